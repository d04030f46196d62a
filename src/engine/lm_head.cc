#include "engine/lm_head.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"

namespace idleheads {
namespace {

// One row on its way over the pieces.
struct RowState {
  LogSumExp normaliser;
  float largest = -std::numeric_limits<float>::infinity();
};

void take_piece(const float* logits, int64_t first, int64_t count, const RowQuery& query, RowState& state,
                RowScores& scores) {
  accumulate(logits, count, state.normaliser);
  const float* top = std::max_element(logits, logits + count);
  if (*top > state.largest) {
    state.largest = *top;
    scores.argmax = static_cast<int32_t>(first + (top - logits));
  }
  for (size_t i = 0; i < query.tokens.size(); ++i) {
    const int64_t column = query.tokens[i] - first;
    if (column >= 0 && column < count) scores.log_probs[i] = logits[column];
  }
  if (query.all_logits) scores.logits.insert(scores.logits.end(), logits, logits + count);
}

void score_tile(const PackedHead& head, const ModelConfig& config, MatrixView<const float> hidden,
                std::span<const RowQuery> queries, std::span<RowScores> scores) {
  const auto rows = static_cast<int64_t>(queries.size());
  AlignedBuffer<float> normed(kTileRows * config.hidden), logits(kTileRows * kVocabularyPiece);
  std::fill(normed.span().begin(), normed.span().end(), 0.0f);
  for (int64_t r = 0; r < rows; ++r) {
    rms_norm(hidden.row(r), head.final_norm.data(), config.norm_epsilon, normed.data() + r * config.hidden,
             config.hidden);
    scores[static_cast<size_t>(r)].log_probs.resize(queries[static_cast<size_t>(r)].tokens.size());
  }
  std::vector<RowState> states(queries.size());
  int64_t first = 0;
  for (const Linear& piece : head.pieces) {
    piece.apply(normed.data(), logits.data());
    for (size_t r = 0; r < queries.size(); ++r) {
      take_piece(logits.data() + static_cast<int64_t>(r) * piece.outputs(), first, piece.outputs(),
                 queries[r], states[r], scores[r]);
    }
    first += piece.outputs();
  }
  for (size_t r = 0; r < queries.size(); ++r) {
    const double log_normaliser = states[r].normaliser.maximum + std::log(states[r].normaliser.sum);
    if (!std::isfinite(log_normaliser)) fail("NaN or infinity in the logits, after the last layer");
    for (float& value : scores[r].log_probs) value = static_cast<float>(value - log_normaliser);
  }
}

}  // namespace

std::vector<RowScores> score_rows(const PackedHead& head, const ModelConfig& config,
                                  MatrixView<const float> hidden, std::span<const RowQuery> queries,
                                  ThreadPool& pool) {
  std::vector<RowScores> scores(queries.size());
  const auto total = static_cast<int64_t>(queries.size());
  pool.parallel_for((total + kTileRows - 1) / kTileRows, [&](int64_t tile, int) {
    const int64_t first = tile * kTileRows, rows = std::min(kTileRows, total - first);
    const auto begin = static_cast<size_t>(first), count = static_cast<size_t>(rows);
    score_tile(head, config, {hidden.row(first), rows, hidden.cols, hidden.stride},
               queries.subspan(begin, count), std::span(scores).subspan(begin, count));
  });
  return scores;
}

}  // namespace idleheads
