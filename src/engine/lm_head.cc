#include "engine/lm_head.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/error.h"

namespace idleheads {
namespace {

constexpr int64_t tiles(int64_t rows) { return (rows + kTileRows - 1) / kTileRows; }

// A row on its way over the pieces of the vocabulary.
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

// Final norm of all rows; whole tiles, zeros behind the last row.
AlignedBuffer<float> normed_rows(const PackedHead& head, const ModelConfig& config,
                                 MatrixView<const float> hidden) {
  AlignedBuffer<float> normed(tiles(hidden.rows) * kTileRows * config.hidden);
  std::fill(normed.span().begin(), normed.span().end(), 0.0f);
  for (int64_t r = 0; r < hidden.rows; ++r) {
    rms_norm(hidden.row(r), head.final_norm.data(), config.norm_epsilon, normed.data() + r * config.hidden,
             config.hidden);
  }
  return normed;
}

}  // namespace

// Pieces in the outer loop: each is needed once, which lets them be streamed.
std::vector<RowScores> score_rows(PackedHead& head, const ModelConfig& config, MatrixView<const float> hidden,
                                  std::span<const RowQuery> queries, ThreadPool& pool) {
  std::vector<RowScores> scores(queries.size());
  std::vector<RowState> states(queries.size());
  const auto total = static_cast<int64_t>(queries.size());
  if (total == 0) return scores;
  const AlignedBuffer<float> normed = normed_rows(head, config, hidden);
  for (size_t r = 0; r < queries.size(); ++r) scores[r].log_probs.resize(queries[r].tokens.size());
  std::vector<AlignedBuffer<float>> logits(static_cast<size_t>(pool.threads()));
  int64_t first = 0;
  for (int64_t p = 0; p < head.pieces.size(); ++p) {
    const std::shared_ptr<const Linear> piece = head.pieces.get(p);
    pool.parallel_for(tiles(total), [&](int64_t tile, int thread) {
      AlignedBuffer<float>& out = logits[static_cast<size_t>(thread)];
      out.resize(kTileRows * piece->outputs());
      piece->apply(normed.data() + tile * kTileRows * config.hidden, out.data());
      for (int64_t r = tile * kTileRows; r < std::min(total, (tile + 1) * kTileRows); ++r) {
        const auto row = static_cast<size_t>(r);
        take_piece(out.data() + r % kTileRows * piece->outputs(), first, piece->outputs(), queries[row],
                   states[row], scores[row]);
      }
    });
    first += piece->outputs();
  }
  for (size_t r = 0; r < queries.size(); ++r) {
    const double log_normaliser = states[r].normaliser.maximum + std::log(states[r].normaliser.sum);
    if (!std::isfinite(log_normaliser)) fail("NaN or infinity in the logits, after the last layer");
    for (float& value : scores[r].log_probs) value = static_cast<float>(value - log_normaliser);
  }
  return scores;
}

}  // namespace idleheads
