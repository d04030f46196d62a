// The raw numbers of one head on one sample, from which all scores are computed: the paper's seven (section
// 3), and three for models whose sink is not the first token.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace idleheads {

// For a sample of S tokens, attention A [S, S], values v_t of the head's KV group, outputs z_t = sum_k A[t,k]
// v_k: DO NOT REORDER: study files hold these numbers in this order.
enum class Stat : int {
  first_weight,      // mean over t of A[t,0]
  entropy,           // mean over t of -sum_k A[t,k] ln A[t,k], nats
  first_value_norm,  // |v_0|
  value_norm,        // mean over t of |v_t|
  last_output_norm,  // |z_{S-1}|
  output_norm,       // mean over t of |z_t|
  projected_norm,    // mean over t of |W_O^h z_t|
  sink_weight,       // mean over t of the learned sink's weight, 1 - sum_k A[t,k]; 0 without one
  top_weight,        // the largest over k of the mean over t of A[t,k]
  top_position,      // that k, of several the first
};
inline constexpr int kStats = 10;
inline constexpr int kPaperStats = 7;  // the first of them

std::string_view stat_name(Stat stat);
// In words, as the pages show it.
std::string_view stat_meaning(Stat stat);

// Of a matrix column, and so of all rows together: NaN where only rows were measured.
inline bool is_of_columns(Stat stat) { return stat == Stat::top_weight || stat == Stat::top_position; }

using HeadStats = std::array<float, kStats>;

inline float get(const HeadStats& stats, Stat stat) { return stats[static_cast<int>(stat)]; }

// Of a head that the model has not (head_shape.h): NaN in every number. No other head has that, for its first
// weight is always a number.
HeadStats stats_of_absent();
bool is_absent(const HeadStats& stats);

// The statistics of one sample: [layers, heads], layer-major.
struct SampleStats {
  int layers = 0;
  int heads = 0;
  std::vector<HeadStats> values;

  SampleStats() = default;
  SampleStats(int layer_count, int head_count)
      : layers(layer_count),
        heads(head_count),
        values(static_cast<size_t>(layer_count) * static_cast<size_t>(head_count)) {}
  std::span<HeadStats> layer(int l) { return std::span(values).subspan(begin_of(l), width()); }
  std::span<const HeadStats> layer(int l) const { return std::span(values).subspan(begin_of(l), width()); }

 private:
  size_t width() const { return static_cast<size_t>(heads); }
  size_t begin_of(int l) const { return static_cast<size_t>(l) * width(); }
};

}  // namespace idleheads
