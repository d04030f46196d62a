#include "idleheads/heads/stats.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace idleheads {

namespace {

struct StatInfo {
  std::string_view name, meaning;
};
constexpr std::array<StatInfo, kStats> kInfos = {
    {{"first_weight", "mean weight on the first token"},
     {"entropy", "mean entropy of the attention weights (nats)"},
     {"first_value_norm", "norm of the first token's value vector"},
     {"value_norm", "mean norm of the value vectors"},
     {"last_output_norm", "norm of the last token's head output"},
     {"output_norm", "mean norm of the head outputs"},
     {"projected_norm", "mean norm of the head outputs after the output projection"},
     {"sink_weight", "mean weight on the learned sink"},
     {"top_weight", "largest mean weight that a token gets"},
     {"top_position", "position of the token with the largest mean weight"}}};

}  // namespace

std::string_view stat_name(Stat stat) { return kInfos.at(static_cast<size_t>(stat)).name; }

std::string_view stat_meaning(Stat stat) { return kInfos.at(static_cast<size_t>(stat)).meaning; }

HeadStats stats_of_absent() {
  HeadStats stats;
  stats.fill(std::numeric_limits<float>::quiet_NaN());
  return stats;
}

bool is_absent(const HeadStats& stats) {
  return std::ranges::all_of(stats, [](float number) { return std::isnan(number); });
}

}  // namespace idleheads
