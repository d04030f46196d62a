#include "base/error.h"

namespace idleheads {
namespace {

// Length of the UTF-8 sequence that starts `text`, or 0 if it is not a valid one.
size_t utf8_length(std::string_view text) {
  const auto byte = [&](size_t i) { return static_cast<unsigned char>(text[i]); };
  const size_t length = byte(0) < 0x80         ? 1
                        : (byte(0) >> 5) == 6  ? 2
                        : (byte(0) >> 4) == 14 ? 3
                        : (byte(0) >> 3) == 30 ? 4
                                               : 0;
  if (length == 0 || length > text.size()) return 0;
  for (size_t i = 1; i < length; ++i) {
    if ((byte(i) >> 6) != 2) return 0;
  }
  // RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF. The first two bytes tell.
  const unsigned first = length > 1 ? byte(0) << 8 | byte(1) : 0xc280;
  const bool valid = first >= 0xc280 && (first < 0xe000 || first >= 0xe0a0) &&
                     (first < 0xeda0 || first >= 0xee00) && (first < 0xf000 || first >= 0xf090) &&
                     first < 0xf490;
  return valid ? length : 0;
}

}  // namespace

std::string printable(std::string_view name, size_t limit) {
  std::string out;
  while (!name.empty()) {
    const size_t length = utf8_length(name);
    if (out.size() + (length == 0 ? 1 : length) > limit) return out + "...";
    // C1 controls (U+0080 to U+009F) are two bytes long; terminals obey them as well.
    const bool control = static_cast<unsigned char>(name[0]) < 0x20 || name[0] == 0x7f ||
                         (length == 2 && name[0] == '\xc2' && static_cast<unsigned char>(name[1]) < 0xa0);
    if (length == 0 || control) {
      out += '?';
      name.remove_prefix(1);
    } else {
      out += name.substr(0, length);
      name.remove_prefix(length);
    }
  }
  return out;
}

}  // namespace idleheads
