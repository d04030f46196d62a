#include "report/terminal/text.h"

#include "base/utf8.h"
#include "strings/display_width.h"

namespace idleheads {

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
