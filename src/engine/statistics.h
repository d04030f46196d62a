// From numbers of rows to the statistics of a head on a sample (heads/stats.h).
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "idleheads/heads/stats.h"

namespace idleheads {

// What a layer's attention gives beside its output.
enum class Measure {
  nothing,
  rows,     // RowStats
  columns,  // also TopWeight: sums over rows of every position's weight, which cost time and memory
};

// What one row (token) of one head adds to its sample's statistics.
struct RowStats {
  float first_weight;    // A[t,0]
  float entropy;         // -sum_k A[t,k] ln A[t,k]
  float output_norm;     // |z_t|
  float projected_norm;  // |W_O^h z_t|
  float sink_weight;     // 1 - sum_k A[t,k]
};

// Sums of them over rows. Each continues the sum of the rows before, one by one in the order of positions, so
// that it does not depend on where sequences are cut.
struct HeadSums {
  double first_weight = 0, entropy = 0, output_norm = 0, projected_norm = 0, sink_weight = 0;

  void add(const RowStats& row) {
    first_weight += row.first_weight;
    entropy += row.entropy;
    output_norm += row.output_norm;
    projected_norm += row.projected_norm;
    sink_weight += row.sink_weight;
  }
};

// The position with the largest sum of weights over rows, of several the first.
struct TopWeight {
  double weight = 0;
  int64_t position = -1;  // -1: not measured
};

// Of one layer, by run of rows (backend.h): over the run's rows and all before them in its sequence.
struct LayerSums {
  int heads = 0, kv_heads = 0;           // 0 where the layer has no attention
  std::vector<HeadSums> head_sums;       // [runs, heads]
  std::vector<double> value_norms;       // [runs, kv_heads]: sums of |v_t|
  std::vector<float> first_value_norms;  // [runs, kv_heads]: |v_0|
  std::vector<float> last_output_norms;  // [runs, heads]: |z_t| of the run's last row
  std::vector<TopWeight> tops;           // [runs, heads]

  // Zeros for so many runs.
  void reset(int64_t runs, int heads, int kv_heads);
  std::span<HeadSums> heads_of(int64_t run);
  std::span<double> values_of(int64_t run);
  std::span<float> first_norms_of(int64_t run);
};

// The statistics of a sample of `tokens` tokens that ends with `run`: [heads].
void sample_stats(const LayerSums& sums, int64_t run, int64_t tokens, std::span<HeadStats> stats);

}  // namespace idleheads
