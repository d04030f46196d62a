#include "base/fail.h"

#include <algorithm>

#include "base/utf8.h"

namespace idleheads {

std::string printable(std::string_view name, size_t limit) {
  std::string out;
  while (!name.empty()) {
    const CodePoint c = first_code_point(name);
    const size_t length = std::max<size_t>(1, c.length);
    const bool shown = c.length > 0 && !is_control(c.value);
    if (out.size() + (shown ? length : 1) > limit) return out + "...";
    out += shown ? name.substr(0, length) : "?";
    name.remove_prefix(length);
  }
  return out;
}

std::string shown_path(const std::filesystem::path& path) { return printable(path.string(), 300); }

}  // namespace idleheads
