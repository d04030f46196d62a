// Valid UTF-8 text as Python sees strings: white space as str.strip and str.isspace know it. The functions
// are safe, but without meaning, on anything else.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace idleheads {

// Bytes of white space at the beginning and at the end of `text`.
size_t leading_space(std::string_view text);
size_t trailing_space(std::string_view text);

// Without white space at both ends, like Python's str.strip().
std::string_view strip(std::string_view text);

// Every `from` (not empty) replaced by `to`, in one pass from the left: Python's str.replace.
std::string replaced(std::string_view text, std::string_view from, std::string_view to);

// Pieces between runs of white space, empty ones at the ends counted: Python's len(re.split(r"\s+", text)).
int64_t count_words(std::string_view text);

}  // namespace idleheads
