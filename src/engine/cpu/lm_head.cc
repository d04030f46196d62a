#include "engine/cpu/lm_head.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/fail.h"
#include "engine/cpu/ops.h"

namespace idleheads {
namespace {

// A row on its way over the pieces of the vocabulary.
struct RowState {
  LogSumExp normaliser;
  float largest = -std::numeric_limits<float>::infinity();
  float largest_penalized = -std::numeric_limits<float>::infinity();
};

// Takes the piece's largest logit as the row's if it is larger than those before.
void take_largest(std::span<const float> logits, int64_t first, float& largest, int32_t& token) {
  const auto top = std::ranges::max_element(logits);
  if (!(*top > largest)) return;
  largest = *top;
  token = static_cast<int32_t>(first + (top - logits.begin()));
}

void penalize(std::span<float> logits, int64_t first, std::span<const int32_t> tokens, float penalty) {
  const int64_t end = first + std::ssize(logits);
  for (auto token = std::ranges::lower_bound(tokens, first); token != tokens.end() && *token < end; ++token) {
    float& logit = logits[static_cast<size_t>(*token - first)];
    logit = logit < 0 ? logit * penalty : logit / penalty;
  }
}

// The logits of tokens [first, first + logits.size()) of a row; overwritten.
void take_piece(std::span<float> logits, int64_t first, const RowQuery& query, float penalty, RowState& state,
                RowScores& scores) {
  accumulate(logits.data(), std::ssize(logits), state.normaliser);
  take_largest(logits, first, state.largest, scores.argmax);
  for (size_t i = 0; i < query.tokens.size(); ++i) {
    const int64_t column = query.tokens[i] - first;
    if (column >= 0 && column < std::ssize(logits)) scores.log_probs[i] = logits[static_cast<size_t>(column)];
  }
  if (query.all_logits) scores.logits.insert(scores.logits.end(), logits.begin(), logits.end());
  penalize(logits, first, query.penalized, penalty);
  take_largest(logits, first, state.largest_penalized, scores.next_token);
}

void finish_logits(const PackedHead& head, std::span<float> logits) {
  if (head.multiplier != 1) scale(head.multiplier, logits.data(), std::ssize(logits));
  if (head.soft_cap == 0) return;
  for (float& logit : logits) logit = head.soft_cap * std::tanh(logit / head.soft_cap);
}

// Final norm of a tile's rows; zeros behind the last row.
void norm_tile(const PackedHead& head, const ScoredRows& rows, int64_t tile) {
  for (int64_t r = tile * kTileRows; r < (tile + 1) * kTileRows; ++r) {
    float* normed = rows.normed.row(r);
    if (r < rows.hidden.rows) {
      head.final_norm.apply(rows.hidden.row(r), normed);
    } else {
      std::fill_n(normed, rows.normed.cols, 0.0f);
    }
  }
}

}  // namespace

// Pieces in the outer loop: each is needed once, which lets them be streamed.
std::vector<RowScores> score_rows(PackedHead& head, const ScoredRows& rows, std::span<const RowQuery> queries,
                                  ThreadPool& pool, float repetition_penalty) {
  std::vector<RowScores> scores(queries.size());
  std::vector<RowState> states(queries.size());
  const auto total = static_cast<int64_t>(queries.size());
  if (total == 0) return scores;
  const int64_t tiles = tiles_of(total);
  pool.parallel_for(tiles, [&](int64_t tile, int) { norm_tile(head, rows, tile); });
  for (size_t r = 0; r < queries.size(); ++r) scores[r].log_probs.resize(queries[r].tokens.size());
  std::vector<AlignedBuffer<float>> logits(static_cast<size_t>(pool.threads()));
  int64_t first = 0;
  for (int64_t p = 0; p < head.pieces.size(); ++p) {
    const std::shared_ptr<const Linear> piece = head.pieces.get(p);
    const int64_t width = piece->outputs();
    pool.parallel_for(tiles, [&](int64_t tile, int thread) {
      AlignedBuffer<float>& out = logits[static_cast<size_t>(thread)];
      out.resize(kTileRows * width);
      piece->apply(rows.normed.row(tile * kTileRows), out.data());
      for (int64_t r = tile * kTileRows; r < std::min(total, (tile + 1) * kTileRows); ++r) {
        const auto row = static_cast<size_t>(r);
        const std::span<float> of_row(out.data() + r % kTileRows * width, static_cast<size_t>(width));
        finish_logits(head, of_row);
        take_piece(of_row, first, queries[row], repetition_penalty, states[row], scores[row]);
      }
    });
    first += width;
  }
  for (size_t r = 0; r < queries.size(); ++r) {
    const double log_normaliser = states[r].normaliser.maximum + std::log(states[r].normaliser.sum);
    if (!std::isfinite(log_normaliser)) fail("NaN or infinity in the logits, after the last layer");
    for (float& value : scores[r].log_probs) value = static_cast<float>(value - log_normaliser);
  }
  return scores;
}

}  // namespace idleheads
