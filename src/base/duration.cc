#include "base/duration.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>

namespace idleheads {
namespace {

std::string two_units(int64_t large, const char* unit, int64_t small, const char* smaller_unit) {
  return small == 0 ? fmt::format("{} {}", large, unit)
                    : fmt::format("{} {} {} {}", large, unit, small, smaller_unit);
}

}  // namespace

std::string duration(double seconds) {
  constexpr double kMost = 1e15;
  if (!(seconds > 0)) return "0 s";
  if (seconds < 9.95) return fmt::format("{:.1f} s", seconds);
  const auto total = static_cast<int64_t>(std::min(seconds, kMost) + 0.5);
  const int64_t minutes = total / 60, hours = minutes / 60, days = hours / 24;
  if (days > 0) return two_units(days, "d", hours % 24, "h");
  if (hours > 0) return two_units(hours, "h", minutes % 60, "min");
  if (minutes > 0) return two_units(minutes, "min", total % 60, "s");
  return fmt::format("{} s", total);
}

}  // namespace idleheads
