#include "report/text.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <utility>

namespace idleheads {
namespace {

using Range = std::pair<char32_t, char32_t>;

constexpr std::array<Range, 7> kZeroWidth = {{{0x300, 0x36f},
                                              {0x1ab0, 0x1aff},
                                              {0x1dc0, 0x1dff},
                                              {0x200b, 0x200f},
                                              {0x20d0, 0x20ff},
                                              {0xfe00, 0xfe0f},
                                              {0xfe20, 0xfe2f}}};
constexpr std::array<Range, 10> kDoubleWidth = {{{0x1100, 0x115f},
                                                 {0x2e80, 0x303e},
                                                 {0x3041, 0xa4cf},
                                                 {0xac00, 0xd7a3},
                                                 {0xf900, 0xfaff},
                                                 {0xfe30, 0xfe6f},
                                                 {0xff00, 0xff60},
                                                 {0xffe0, 0xffe6},
                                                 {0x1f300, 0x1faff},
                                                 {0x20000, 0x3fffd}}};

template <size_t N>
bool contains(const std::array<Range, N>& ranges, char32_t c) {
  return std::any_of(ranges.begin(), ranges.end(), [c](Range r) { return c >= r.first && c <= r.second; });
}

bool is_continuation(char byte) { return (static_cast<unsigned char>(byte) & 0xc0) == 0x80; }

}  // namespace

int display_width(std::string_view text) {
  int width = 0;
  for (size_t i = 0; i < text.size();) {
    const auto lead = static_cast<unsigned char>(text[i++]);
    char32_t c = lead < 0x80 ? lead : lead < 0xe0 ? lead & 0x1fu : lead < 0xf0 ? lead & 0x0fu : lead & 0x07u;
    for (; i < text.size() && is_continuation(text[i]); ++i)
      c = c << 6 | (static_cast<unsigned char>(text[i]) & 0x3fu);
    width += contains(kZeroWidth, c) ? 0 : contains(kDoubleWidth, c) ? 2 : 1;
  }
  return width;
}

std::string emphasize(std::string_view text, Emphasis emphasis, bool color) {
  if (!color || emphasis == Emphasis::none) return std::string(text);
  return (emphasis == Emphasis::strong ? "\x1b[1m" : "\x1b[2m") + std::string(text) + "\x1b[0m";
}

std::string wrap(const std::vector<std::string>& words, int width, std::string_view first) {
  const std::string indent(static_cast<size_t>(display_width(first)), ' ');
  std::string out, line(first);
  bool line_is_empty = true;
  for (const std::string& word : words) {
    const bool fits = display_width(line) + (line_is_empty ? 0 : 1) + display_width(word) <= width;
    if (!fits && !line_is_empty) {
      out += line + "\n";
      line = indent;
      line_is_empty = true;
    }
    line += (line_is_empty ? "" : " ") + word;
    line_is_empty = false;
  }
  return out + line + "\n";
}

std::string wrap(std::string_view text, int width, std::string_view first) {
  std::vector<std::string> words;
  while (!text.empty()) {
    const size_t end = text.find(' ');
    if (end != 0) words.emplace_back(text.substr(0, end));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
  return wrap(words, width, first);
}

}  // namespace idleheads
