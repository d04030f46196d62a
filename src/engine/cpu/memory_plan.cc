#include "engine/cpu/memory_plan.h"

#include <algorithm>
#include <limits>

#include "base/fail.h"
#include "engine/cpu/column_sums.h"
#include "engine/cpu/lm_head.h"
#include "engine/cpu/packed_model.h"

namespace idleheads {
namespace {

constexpr int64_t kFewestRows = 4096;      // a few prompts
constexpr int64_t kComfortable = 1 << 15;  // rows from which on reading a layer hides behind computing one
constexpr int64_t kWaitingPart = 5;        // one fifth of the rows' memory is for paths that wait
constexpr int64_t kLibraries =
    28 << 20;  // what they load and keep from their first use on; AVX-512 code is the largest
// What is asked of a row, its answers, and where they go: lists of one or two tokens each.
constexpr int64_t kScoringBytes = sizeof(RowQuery) + sizeof(RowScores) + 128;
constexpr int64_t kUnbounded = int64_t{1} << 40;

// Tiles of all threads and the like, whatever the rows.
int64_t scratch_bytes(const ModelSpec& spec, int threads) {
  const Widths widths = widths_of(spec);
  const int64_t widest = 2 * std::max<int64_t>(spec.hidden, widths.query) + 2 * widths.mlp;
  const int64_t floats = kTileRows * (2 * widest + kVocabularyPiece);
  return kLibraries + threads * (ColumnSums::kBytesOfThread + floats * static_cast<int64_t>(sizeof(float)));
}

RowLimits limits_within(const ModelSpec& spec, int64_t bytes) {
  const int64_t waiting = bytes / kWaitingPart;
  return {(bytes - waiting) / row_bytes(spec), waiting / (spec.hidden * static_cast<int64_t>(sizeof(float))),
          0};
}

}  // namespace

Widths widths_of(const ModelSpec& spec) {
  Widths widths;
  for (const LayerSpec& layer : spec.layers) {
    widths.qkv = std::max<int64_t>(widths.qkv, layer.attention.qkv_width());
    widths.query = std::max<int64_t>(widths.query, layer.attention.query_width());
    widths.mlp = std::max<int64_t>(widths.mlp, layer.mlp.width);
    widths.heads = std::max<int64_t>(widths.heads, layer.attention.heads);
    widths.kv_heads = std::max<int64_t>(widths.kv_heads, layer.attention.kv_heads);
  }
  return widths;
}

bool has_experts(const ModelSpec& spec) {
  return std::ranges::any_of(spec.layers, [](const LayerSpec& layer) { return layer.mlp.experts > 0; });
}

// The residual stream twice (and twice more around mixtures of experts), Q K V, statistics, the lists of
// positions and of where rows come from, and what scoring a row takes (its normed form lies in the residual
// stream's second buffer).
int64_t row_bytes(const ModelSpec& spec) {
  const Widths widths = widths_of(spec);
  const int64_t floats = (has_experts(spec) ? 4 : 2) * spec.hidden + widths.qkv + widths.kv_heads;
  return floats * static_cast<int64_t>(sizeof(float)) +
         widths.heads * static_cast<int64_t>(sizeof(RowStats)) + static_cast<int64_t>(sizeof(int32_t)) +
         2 * static_cast<int64_t>(sizeof(RowSource)) + kScoringBytes;
}

MemoryPlan plan_memory(const ModelSpec& spec, const MemoryWish& wish) {
  MemoryPlan plan;
  plan.stream = wish.stream;
  plan.limits = {kUnbounded, kUnbounded, 0};
  const WeightSizes weights = weight_sizes(spec, wish.precision);
  const int64_t scratch = scratch_bytes(spec, wish.threads);
  if (wish.memory > 0) {
    const int64_t left = wish.memory - wish.taken - scratch;
    plan.stream = plan.stream || limits_within(spec, left - weights.all).rows < kComfortable;
    plan.limits = limits_within(spec, left - (plan.stream ? weights.streamed : weights.all));
    if (plan.limits.rows < kFewestRows) {
      constexpr int64_t kMiB = 1 << 20;
      const int64_t rows = scratch + kFewestRows * row_bytes(spec) * kWaitingPart / (kWaitingPart - 1);
      const int64_t least = wish.taken + weights.streamed + rows;
      fail_usage(
          "--memory: {} MiB are too few: tokenizer, task and program have taken {} MiB, two layers of "
          "weights take {} MiB, "
          "{} rows {} MiB; give at least {} MiB",
          wish.memory / kMiB, wish.taken / kMiB, weights.streamed / kMiB, kFewestRows, rows / kMiB,
          least / kMiB + 1);
    }
  }
  if (wish.rows > 0) {
    plan.limits.rows = std::min(plan.limits.rows, wish.rows);
    plan.limits.waiting = std::min(plan.limits.waiting, wish.rows);
  }
  plan.fixed_bytes = wish.taken + scratch + (plan.stream ? weights.streamed : weights.all);
  return plan;
}

RowLimits limits_of_generation(RowLimits limits, const ModelSpec& spec) {
  constexpr int64_t kCaches = int64_t{4} << 30;  // without a bound: enough for tall products
  if (limits.rows == kUnbounded) {
    limits.cache_bytes = kCaches;
  } else {
    limits.rows = std::max<int64_t>(1, limits.rows / 2);
    limits.cache_bytes = limits.rows * row_bytes(spec);
  }
  return limits;
}

}  // namespace idleheads
