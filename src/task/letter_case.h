// Upper and lower case of Unicode text, by the Rust library.
#pragma once

#include <string>
#include <string_view>

namespace idleheads {

// The first character in upper case (title case where it has one of its own), all others in lower case:
// Python's str.capitalize. Throws Error on text that is not UTF-8.
std::string capitalize(std::string_view text);

}  // namespace idleheads
