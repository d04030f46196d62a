#include "cuda/score_rows.h"

#include <algorithm>
#include <cmath>

namespace idleheads::cuda {
namespace {

constexpr int64_t kRowsAtATime = 1024;  // of a piece's logits

}  // namespace

template <typename Element>
void ScoreRows<Element>::upload_queries(std::span<const RowQuery> queries) {
  std::vector<int32_t> tokens, penalized;
  std::vector<int64_t> token_begins = {0}, penalized_begins = {0}, kept;
  int64_t kept_rows = 0;
  for (const RowQuery& query : queries) {
    tokens.insert(tokens.end(), query.tokens.begin(), query.tokens.end());
    penalized.insert(penalized.end(), query.penalized.begin(), query.penalized.end());
    token_begins.push_back(std::ssize(tokens));
    penalized_begins.push_back(std::ssize(penalized));
    kept.push_back(query.all_logits ? kept_rows++ : -1);
  }
  upload(tokens, tokens_, stream_);
  upload(penalized, penalized_, stream_);
  upload(token_begins, token_begins_, stream_);
  upload(penalized_begins, penalized_begins_, stream_);
  upload(kept, kept_, stream_);
  token_logits_.resize(std::ssize(tokens));
  kept_logits_.resize(kept_rows * spec_.vocabulary);
}

template <typename Element>
std::vector<RowScores> ScoreRows<Element>::answers(std::span<const RowQuery> queries) {
  std::vector<ScoreState> states(queries.size());
  std::vector<float> token_logits(static_cast<size_t>(token_logits_.size()));
  std::vector<float> kept_logits(static_cast<size_t>(kept_logits_.size()));
  download(states_.data(), std::span(states), stream_);
  download(token_logits_.data(), std::span(token_logits), stream_);
  download(kept_logits_.data(), std::span(kept_logits), stream_);
  std::vector<RowScores> scores(queries.size());
  size_t token = 0;
  auto kept = kept_logits.begin();
  for (size_t r = 0; r < queries.size(); ++r) {
    const ScoreState& state = states[r];
    const double log_normaliser = state.maximum + std::log(state.sum);
    if (!std::isfinite(log_normaliser)) fail("NaN or infinity in the logits, after the last layer");
    scores[r].argmax = state.argmax;
    scores[r].next_token = state.next_token;
    for (size_t i = 0; i < queries[r].tokens.size(); ++i)
      scores[r].log_probs.push_back(static_cast<float>(token_logits[token++] - log_normaliser));
    if (!queries[r].all_logits) continue;
    scores[r].logits.assign(kept, kept + spec_.vocabulary);
    kept += spec_.vocabulary;
  }
  return scores;
}

// Pieces in the outer loop: each is needed once, which lets them be streamed.
template <typename Element>
std::vector<RowScores> ScoreRows<Element>::score(DeviceModel<Element>& model, const float* hidden,
                                                 Element* normed, std::span<const RowQuery> queries,
                                                 float repetition_penalty) {
  const int64_t total = std::ssize(queries);
  if (total == 0) return {};
  upload_queries(queries);
  states_.resize(total);
  norm_rows(hidden, model.final_norm.get(), spec_.hidden, total, normed, nullptr, stream_);
  begin_scores(states_.data(), total, stream_);
  ScoreArguments arguments;
  arguments.multiplier = spec_.logit_multiplier;
  arguments.soft_cap = spec_.logit_soft_cap;
  arguments.penalty = repetition_penalty;
  arguments.tokens = tokens_.data();
  arguments.penalized = penalized_.data();
  arguments.token_logits = token_logits_.data();
  arguments.kept_logits = kept_logits_.data();
  arguments.vocabulary = spec_.vocabulary;
  for (int64_t p = 0; p < model.head.size(); ++p) {
    const std::shared_ptr<const DeviceMatrix<Element>> piece = model.head.get(p);
    arguments.width = piece->outputs;
    arguments.bias = piece->bias.data();
    for (int64_t first = 0; first < total; first += kRowsAtATime) {
      const int64_t rows = std::min(kRowsAtATime, total - first);
      logits_.resize(rows * piece->outputs);
      products_.apply(piece->weights.data(), piece->outputs, piece->inputs, normed + first * spec_.hidden,
                      rows, logits_.data());
      arguments.logits = logits_.data();
      arguments.token_begins = token_begins_.data() + first;
      arguments.penalized_begins = penalized_begins_.data() + first;
      arguments.states = states_.data() + first;
      arguments.kept = kept_.data() + first;
      take_piece(arguments, rows, stream_);
    }
    check(cudaStreamSynchronize(stream_), "a kernel");  // the piece may be given back
    arguments.first += piece->outputs;
  }
  return answers(queries);
}

template class ScoreRows<float>;
template class ScoreRows<Bf16>;

}  // namespace idleheads::cuda
