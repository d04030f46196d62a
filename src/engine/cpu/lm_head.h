// Log-probabilities of chosen tokens at chosen rows, over pieces of the vocabulary: no [rows, vocabulary]
// matrix.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/thread_pool.h"
#include "engine/backend.h"
#include "engine/cpu/packed_model.h"

namespace idleheads {

// What score_rows works on. `hidden` [queries, hidden width] is the residual stream before the final norm;
// `normed` [whole tiles, hidden width] is overwritten.
struct ScoredRows {
  MatrixView<const float> hidden;
  MatrixView<float> normed;
};

// queries[i] is about row i of `hidden` (Backend::score). Logits are multiplied and capped as the head says.
std::vector<RowScores> score_rows(PackedHead& head, const ScoredRows& rows, std::span<const RowQuery> queries,
                                  ThreadPool& pool, float repetition_penalty = 1);

}  // namespace idleheads
