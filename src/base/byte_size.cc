#include "base/byte_size.h"

#include <fmt/format.h>

namespace idleheads {

std::string byte_size(double bytes) {
  constexpr double kKilobyte = 1e3, kMegabyte = 1e6;
  constexpr double kLeast = 0.99995 * kMegabyte;  // what is less is at most "999.9 kB"
  return bytes < kLeast ? fmt::format("{:.1f} kB", bytes / kKilobyte)
                        : fmt::format("{:.1f} MB", bytes / kMegabyte);
}

}  // namespace idleheads
