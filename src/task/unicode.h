// UTF-8 text as Python sees strings: code points, and white space as str.strip and str.isspace know it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace idleheads {

// Offset of the first byte that is not part of valid UTF-8 (overlong forms and surrogates are invalid too);
// empty if the whole text is valid.
std::optional<size_t> invalid_utf8_at(std::string_view text);

// The functions below take valid UTF-8 and are safe, but without meaning, on anything else.

// Bytes of white space at the beginning and at the end of `text`.
size_t leading_space(std::string_view text);
size_t trailing_space(std::string_view text);

// Without white space at both ends, like Python's str.strip().
std::string_view strip(std::string_view text);

// Every `from` (not empty) replaced by `to`, in one pass from the left: Python's str.replace.
std::string replaced(std::string_view text, std::string_view from, std::string_view to);

// Number of code points: Python's len().
int64_t code_points(std::string_view text);

}  // namespace idleheads
