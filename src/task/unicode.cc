#include "task/unicode.h"

#include <algorithm>

#include "base/utf8.h"
#include "strings/regex.h"

namespace idleheads {
namespace {

// Python's str.isspace for one code point.
bool is_space(char32_t c) {
  return (c >= 0x09 && c <= 0x0d) || (c >= 0x1c && c <= 0x20) || c == 0x85 || c == 0xa0 || c == 0x1680 ||
         (c >= 0x2000 && c <= 0x200a) || c == 0x2028 || c == 0x2029 || c == 0x202f || c == 0x205f ||
         c == 0x3000;
}

// Bytes of the white space that `text` ends with, one code point; 0: it ends with something else.
size_t last_space(std::string_view text) {
  for (size_t length = 1; length <= std::min<size_t>(4, text.size()); ++length) {
    const CodePoint c = first_code_point(text.substr(text.size() - length));
    if (c.length == length) return is_space(c.value) ? length : 0;
  }
  return 0;
}

}  // namespace

size_t leading_space(std::string_view text) {
  size_t at = 0;
  while (at < text.size()) {
    const CodePoint c = first_code_point(text.substr(at));
    if (c.length == 0 || !is_space(c.value)) break;
    at += c.length;
  }
  return at;
}

size_t trailing_space(std::string_view text) {
  std::string_view left = text;
  while (const size_t length = last_space(left)) left.remove_suffix(length);
  return text.size() - left.size();
}

std::string_view strip(std::string_view text) {
  text.remove_suffix(trailing_space(text));
  text.remove_prefix(leading_space(text));
  return text;
}

std::string replaced(std::string_view text, std::string_view from, std::string_view to) {
  std::string out;
  size_t at = 0;
  for (size_t found; (found = text.find(from, at)) != text.npos; at = found + from.size())
    out.append(text, at, found - at).append(to);
  return out.append(text, at);
}

int64_t count_words(std::string_view text) {
  static const Regex space(R"(\s+)");
  return std::ssize(space.find_all(text)) + 1;
}

}  // namespace idleheads
