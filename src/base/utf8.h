// UTF-8, by the library utfcpp.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace idleheads {

struct CodePoint {
  char32_t value = 0;
  size_t length = 0;  // bytes; 0: not valid UTF-8
};

// The code point that `text` (not empty) begins with. Overlong forms and surrogates are not valid.
CodePoint first_code_point(std::string_view text);

// Offset of the first byte that is not part of valid UTF-8; empty if the whole text is valid.
std::optional<size_t> invalid_utf8_at(std::string_view text);

// Number of code points of valid UTF-8: Python's len().
int64_t code_points(std::string_view text);

// Code points as NumPy stores them; bytes that are not UTF-8 become U+FFFD.
std::u32string to_utf32(std::string_view text);

// What moves or turns text on a terminal instead of being shown: control characters, line and paragraph
// separators, and the marks that change the direction of writing.
bool is_control(char32_t c);

// A text of several lines as it may go to a terminal: line feeds (with a carriage return before it or not)
// and tabs stay, other controls and bytes that are not UTF-8 become '?'.
std::string terminal_safe(std::string_view text);

}  // namespace idleheads
