#include "idleheads/heads/stats.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace idleheads {

std::string_view stat_name(Stat stat) {
  constexpr std::array<std::string_view, kStats> kNames = {
      "first_weight", "entropy",        "first_value_norm", "value_norm", "last_output_norm",
      "output_norm",  "projected_norm", "sink_weight",      "top_weight", "top_position"};
  return kNames.at(static_cast<size_t>(stat));
}

HeadStats stats_of_absent() {
  HeadStats stats;
  stats.fill(std::numeric_limits<float>::quiet_NaN());
  return stats;
}

bool is_absent(const HeadStats& stats) {
  return std::ranges::all_of(stats, [](float number) { return std::isnan(number); });
}

}  // namespace idleheads
