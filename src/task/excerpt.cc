#include "task/excerpt.h"

#include <algorithm>

#include "base/fail.h"
#include "base/utf8.h"
#include "task/unicode.h"

namespace idleheads {

std::string excerpt_of(std::string_view text) {
  constexpr int kMost = 80;
  std::string out;
  text.remove_prefix(leading_space(text));
  for (int count = 0; !text.empty(); ++count) {
    const size_t space = leading_space(text);
    if (space == text.size()) break;
    if (count == kMost) return out + "…";
    const size_t length = space > 0 ? space : std::max<size_t>(1, first_code_point(text).length);
    out += space > 0 ? " " : printable(text.substr(0, length));
    text.remove_prefix(length);
  }
  return out;
}

}  // namespace idleheads
