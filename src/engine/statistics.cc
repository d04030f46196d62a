#include "engine/statistics.h"

#include <limits>

namespace idleheads {

void LayerSums::reset(int64_t runs, int head_count, int kv_head_count) {
  heads = head_count;
  kv_heads = kv_head_count;
  head_sums.assign(static_cast<size_t>(runs * heads), {});
  value_norms.assign(static_cast<size_t>(runs * kv_heads), 0);
  first_value_norms.assign(static_cast<size_t>(runs * kv_heads), 0);
  last_output_norms.assign(static_cast<size_t>(runs * heads), 0);
  tops.assign(static_cast<size_t>(runs * heads), {});
}

std::span<HeadSums> LayerSums::heads_of(int64_t run) {
  return std::span(head_sums).subspan(static_cast<size_t>(run * heads), static_cast<size_t>(heads));
}

std::span<double> LayerSums::values_of(int64_t run) {
  return std::span(value_norms).subspan(static_cast<size_t>(run * kv_heads), static_cast<size_t>(kv_heads));
}

std::span<float> LayerSums::first_norms_of(int64_t run) {
  return std::span(first_value_norms)
      .subspan(static_cast<size_t>(run * kv_heads), static_cast<size_t>(kv_heads));
}

void sample_stats(const LayerSums& sums, int64_t run, int64_t tokens, std::span<HeadStats> stats) {
  constexpr double kNotMeasured = std::numeric_limits<double>::quiet_NaN();
  const auto count = static_cast<double>(tokens);
  const int group = sums.kv_heads > 0 ? sums.heads / sums.kv_heads : 1;
  for (int h = 0; h < sums.heads; ++h) {
    const auto of_head = static_cast<size_t>(run * sums.heads + h);
    const auto of_values = static_cast<size_t>(run * sums.kv_heads + h / group);
    const HeadSums& head = sums.head_sums[of_head];
    const auto set = [&](Stat stat, double value) {
      stats[static_cast<size_t>(h)][static_cast<size_t>(stat)] = static_cast<float>(value);
    };
    set(Stat::first_weight, head.first_weight / count);
    set(Stat::entropy, head.entropy / count);
    set(Stat::first_value_norm, sums.first_value_norms[of_values]);
    set(Stat::value_norm, sums.value_norms[of_values] / count);
    set(Stat::last_output_norm, sums.last_output_norms[of_head]);
    set(Stat::output_norm, head.output_norm / count);
    set(Stat::projected_norm, head.projected_norm / count);
    set(Stat::sink_weight, head.sink_weight / count);
    const TopWeight& top = sums.tops[of_head];
    const bool is_there = top.position >= 0;
    set(Stat::top_weight, is_there ? top.weight / count : kNotMeasured);
    set(Stat::top_position, is_there ? static_cast<double>(top.position) : kNotMeasured);
  }
}

}  // namespace idleheads
