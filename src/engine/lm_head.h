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
  std::vector<int32_t> penalized;  // whose logits the repetition penalty changes; ascending, each once
};

// The answer, in the order of the query's tokens.
struct RowScores {
  std::vector<float> log_probs;
  int32_t argmax = 0;         // the first of the largest
  int32_t next_token = 0;     // the same after the repetition penalty
  std::vector<float> logits;  // [vocabulary] if asked for
};

// What score_rows works on. `hidden` [queries, hidden width] is the residual stream before the final norm;
// `normed` [whole tiles, hidden width] is overwritten.
struct ScoredRows {
  MatrixView<const float> hidden;
  MatrixView<float> normed;
};

// Rows of whole tiles that hold so many rows.
constexpr int64_t whole_tiles(int64_t rows) { return (rows + kTileRows - 1) / kTileRows * kTileRows; }

// `repetition_penalty`: logits of a query's penalized tokens are divided by it where positive and multiplied
// where negative before the next token is chosen (transformers' RepetitionPenaltyLogitsProcessor);
// log-probabilities and logits are those without it.
std::vector<RowScores> score_rows(PackedHead& head, const ModelConfig& config, const ScoredRows& rows,
                                  std::span<const RowQuery> queries, ThreadPool& pool,
                                  float repetition_penalty = 1);

}  // namespace idleheads
