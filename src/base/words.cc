#include "base/words.h"

#include <algorithm>
#include <cctype>

namespace idleheads {

std::string lower_case(std::string text) {
  std::ranges::transform(text, text.begin(),
                         [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

std::string shell_word(const std::string& text) {
  if (!text.empty() && text.find_first_of(" \t\n'\"$&;|<>*?()`\\!#~[]{}") == std::string::npos) return text;
  return in_quotes(text);
}

std::string in_quotes(const std::string& text) {
  std::string out = "'";
  for (const char c : text) out += c == '\'' ? "'\\''" : std::string(1, c);
  return out + "'";
}

}  // namespace idleheads
