// How a question begins, on one line: what a study file keeps of it for readers.
#pragma once

#include <string>
#include <string_view>

namespace idleheads {

// At most 80 characters, and "…" where there is more. Runs of white space are one space; controls
// (base/utf8.h) and bytes that are not UTF-8 become '?'.
std::string excerpt_of(std::string_view text);

}  // namespace idleheads
