#include "base/utf8.h"

#include <utf8.h>

#include <algorithm>

namespace idleheads {

CodePoint first_code_point(std::string_view text) {
  for (size_t length = 1; length <= std::min<size_t>(4, text.size()); ++length) {
    const char* const begin = text.data();
    if (utf8::is_valid(begin, begin + length))
      return {static_cast<char32_t>(utf8::unchecked::peek_next(begin)), length};
  }
  return {};
}

std::optional<size_t> invalid_utf8_at(std::string_view text) {
  const auto found = utf8::find_invalid(text.begin(), text.end());
  if (found == text.end()) return std::nullopt;
  return static_cast<size_t>(found - text.begin());
}

int64_t code_points(std::string_view text) { return std::ssize(to_utf32(text)); }

std::u32string to_utf32(std::string_view text) {
  std::u32string out;
  while (!text.empty()) {
    const CodePoint c = first_code_point(text);
    out += c.length > 0 ? c.value : U'\ufffd';
    text.remove_prefix(std::max<size_t>(1, c.length));
  }
  return out;
}

bool is_control(char32_t c) {
  return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0x61c || c == 0x200e || c == 0x200f ||
         (c >= 0x2028 && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069);
}

std::string terminal_safe(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const CodePoint c = first_code_point(text);
    const bool stays = c.value == '\n' || c.value == '\t' || text.starts_with("\r\n");
    const bool shown = c.length > 0 && (stays || !is_control(c.value));
    out += shown ? text.substr(0, c.length) : "?";
    text.remove_prefix(std::max<size_t>(1, c.length));
  }
  return out;
}

}  // namespace idleheads
