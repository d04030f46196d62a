#include "base/byte_size.h"

#include <fmt/format.h>

namespace idleheads {

std::string byte_size(int64_t bytes) {
  constexpr double kKilobyte = 1e3, kMegabyte = 1e6;
  constexpr int64_t kLeastMegabytes = 999'950;  // what is less is at most "999.9 kB"
  if (bytes < 1000) return fmt::format("{} B", bytes);
  const auto size = static_cast<double>(bytes);
  return bytes < kLeastMegabytes ? fmt::format("{:.1f} kB", size / kKilobyte)
                                 : fmt::format("{:.1f} MB", size / kMegabyte);
}

}  // namespace idleheads
