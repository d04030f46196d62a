#include "engine/memory_plan.h"

#include <algorithm>
#include <limits>

#include "base/error.h"
#include "engine/lm_head.h"
#include "engine/packed_model.h"

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
int64_t scratch_bytes(const ModelConfig& c, int threads) {
  const int64_t widest = 2 * std::max<int64_t>(c.hidden, c.query_width()) + 2 * c.intermediate;
  const int64_t floats = kTileRows * (2 * widest + kVocabularyPiece);
  return kLibraries + threads * floats * static_cast<int64_t>(sizeof(float));
}

RowLimits limits_within(const ModelConfig& config, int64_t bytes) {
  const int64_t waiting = bytes / kWaitingPart;
  return {(bytes - waiting) / row_bytes(config),
          waiting / (config.hidden * static_cast<int64_t>(sizeof(float)))};
}

}  // namespace

// The residual stream twice, Q K V, statistics, the lists of positions and of where rows come from, and what
// scoring a row takes (its normed form lies in the residual stream's second buffer).
int64_t row_bytes(const ModelConfig& c) {
  const int64_t floats = 2 * c.hidden + c.qkv_width() + c.kv_heads;
  return floats * static_cast<int64_t>(sizeof(float)) + c.heads * static_cast<int64_t>(sizeof(RowStats)) +
         static_cast<int64_t>(sizeof(int32_t)) + 2 * static_cast<int64_t>(sizeof(RowSource)) + kScoringBytes;
}

MemoryPlan plan_memory(const ModelConfig& config, const MemoryWish& wish) {
  MemoryPlan plan;
  plan.stream = wish.stream;
  plan.limits = {kUnbounded, kUnbounded};
  const WeightSizes weights = weight_sizes(config, wish.precision);
  const int64_t scratch = scratch_bytes(config, wish.threads);
  if (wish.memory > 0) {
    const int64_t left = wish.memory - wish.taken - scratch;
    plan.stream = plan.stream || limits_within(config, left - weights.all).rows < kComfortable;
    plan.limits = limits_within(config, left - (plan.stream ? weights.streamed : weights.all));
    if (plan.limits.rows < kFewestRows) {
      constexpr int64_t kMiB = 1 << 20;
      const int64_t rows = scratch + kFewestRows * row_bytes(config) * kWaitingPart / (kWaitingPart - 1);
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

MemoryPlan plan_generation(MemoryPlan plan, const ModelConfig& config) {
  constexpr int64_t kKept = int64_t{4} << 30;  // without a bound: enough for tall products
  if (plan.limits.rows == kUnbounded) {
    plan.kept_bytes = kKept;
  } else {
    plan.limits.rows = std::max<int64_t>(1, plan.limits.rows / 2);
    plan.kept_bytes = plan.limits.rows * row_bytes(config);
  }
  return plan;
}

}  // namespace idleheads
