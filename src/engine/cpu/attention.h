// Causal attention of a run of queries over all positions before them, with the head statistics as
// by-products of the same pass. Never holds more than eight rows of the S x S matrix.
#pragma once

#include <cstdint>
#include <span>
#include <tuple>
#include <vector>

#include "base/matrix.h"
#include "engine/statistics.h"
#include "idleheads/engine/precision.h"

namespace idleheads {

// Keys and values of consecutive positions; position p of the run is at key + p * stride.
struct KeyRun {
  const float* key = nullptr;
  const float* value = nullptr;
  int64_t count = 0;
};

// Two bf16 numbers that are consecutive in a sum, the first in the lower half.
struct Bf16Pair {
  uint32_t bits;
};

// Keys and values of one key/value head at positions 0, 1, ... in the form that the products take: packed
// once where several tasks need them. T is float or Bf16Pair.
template <typename T>
struct PackedKeys {
  AlignedBuffer<T> keys, values;
  int64_t count = 0;  // positions
};
struct KeyCache {
  std::tuple<PackedKeys<float>, PackedKeys<Bf16Pair>> packed;  // of which one is in use
};

// One group of query heads that share a key/value head, for queries at positions [first, first + count) of a
// sample. Keys of positions 0, 1, ..., at least first + count of them, RoPE applied, come from one of two
// places.
struct AttentionTask {
  std::span<const KeyRun> keys;      // in order
  const KeyCache* cached = nullptr;  // if not nullptr
  int64_t stride = 0;                // floats between consecutive rows of queries, keys and values
  float* queries = nullptr;          // heads side by side, head_dim each; z takes the query's place
  int64_t first = 0;
  int64_t count = 0;
  int heads = 0;  // query heads in the group
  int head_dim = 0;
  float scale = 0;               // of q . k
  int64_t window = 0;            // keys that a query sees, its own included; 0: all before it
  float soft_cap = 0;            // scores become cap x tanh(score / cap); 0: they stay
  const float* sinks = nullptr;  // [heads]: logits in the softmax's denominator, if there are any
  const float* factors =
      nullptr;  // per head [head_dim, padded_head_dim]: L with L L^T = W_O^hᵀ W_O^h, zero-padded
  // Products take bf16 (has_bf16_attention()); softmax, sums and statistics are float32 all the same.
  bool bf16 = false;
  RowStats* stats = nullptr;  // stats[row * stats_stride + head]; nullptr: not asked for
  int64_t stats_stride = 0;
  // [heads, padded_positions(first + count)]: the weights of each position are added, rounded to multiples of
  // 2^-32, so that sums over up to 2^21 rows are exact and their order does not matter. nullptr: not asked
  // for
  double* columns = nullptr;
  // By head: the patterns (heads/attention_pattern.h) that its rows of weights are copied into; empty: none.
  std::span<const std::vector<float*>> patterns;
};

// Operands that a task makes for itself.
template <typename T>
struct Operands {
  PackedKeys<T> packed;
  AlignedBuffer<T> queries, weights;
};

// Reused between tasks; one per thread.
struct AttentionScratch {
  std::tuple<Operands<float>, Operands<Bf16Pair>> operands;
  AlignedBuffer<float> scores, outputs, projected;
  AlignedBuffer<double> columns;  // of the task, if whoever makes it wants some
};

// Whether an engine of this precision multiplies bf16 in attention too: it does where AVX-512-BF16 is there.
bool has_bf16_attention(Precision precision);

// kAllFinite, or the head of the group that has NaN or infinity in its output or statistics.
int attend(const AttentionTask& task, AttentionScratch& scratch);
inline constexpr int kAllFinite = -1;

// Makes place for `positions` in all; what is appended up to there does not move what is there.
void reserve_keys(int64_t positions, int head_dim, bool bf16, KeyCache& cache);
// Bytes of a position of one key/value head.
int64_t cached_bytes(int head_dim, bool bf16);

// Packs the positions of `keys` behind those that are there; `stride` as in AttentionTask.
void append_keys(std::span<const KeyRun> keys, int64_t stride, int head_dim, bool bf16, KeyCache& to);

// A row of AttentionTask::columns: so many positions rounded up to whole SIMD panels.
int64_t padded_positions(int64_t positions);

// Columns of a row of `factors`: head_dim rounded up to whole SIMD panels.
int64_t padded_head_dim(int64_t head_dim);

}  // namespace idleheads
