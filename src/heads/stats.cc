#include "heads/stats.h"

namespace idleheads {

std::string_view stat_name(Stat stat) {
  constexpr std::array<std::string_view, kStats> kNames = {
      "first_weight", "entropy",        "first_value_norm", "value_norm", "last_output_norm",
      "output_norm",  "projected_norm", "sink_weight",      "top_weight", "top_position"};
  return kNames.at(static_cast<size_t>(stat));
}

}  // namespace idleheads
