// Log-probabilities of chosen tokens at chosen rows, over pieces of the vocabulary: no [rows, vocabulary]
// matrix.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/thread_pool.h"
#include "engine/ops.h"
#include "engine/packed_model.h"

namespace idleheads {

// What is asked of a row.
struct RowQuery {
  std::vector<int32_t> tokens;
  bool all_logits = false;
};

// The answer, in the order of the query's tokens.
struct RowScores {
  std::vector<float> log_probs;
  int32_t argmax = 0;         // the first of the largest
  std::vector<float> logits;  // [vocabulary] if asked for
};

// `hidden` [queries.size(), hidden width] is the residual stream before the final norm.
std::vector<RowScores> score_rows(PackedHead& head, const ModelConfig& config, MatrixView<const float> hidden,
                                  std::span<const RowQuery> queries, ThreadPool& pool);

}  // namespace idleheads
