#include "collector.h"

#include <algorithm>
#include <cmath>

namespace idleheads {
namespace {

// Natural logarithms of the softmax of `logits`.
void log_softmax(std::span<const float> logits, double* out) {
  const double top = *std::ranges::max_element(logits);
  double sum = 0;
  for (const float logit : logits) sum += std::exp(logit - top);
  const double all = top + std::log(sum);
  std::ranges::transform(logits, out, [&](float logit) { return logit - all; });
}

// [heads, tokens, tokens]: the patterns' rows, with zeros for the tokens behind each.
std::vector<float> squares(std::span<const AttentionPattern> patterns) {
  const auto tokens = static_cast<size_t>(patterns.front().tokens());
  std::vector<float> out;
  out.reserve(patterns.size() * tokens * tokens);
  for (const AttentionPattern& pattern : patterns) {
    for (int64_t t = 0; t < pattern.tokens(); ++t) {
      const std::span<const float> row = pattern.row(t);
      out.insert(out.end(), row.begin(), row.end());
      out.resize(out.size() + tokens - row.size());
    }
  }
  return out;
}

}  // namespace

Collector::Collector(std::span<const Sample> samples, size_t interventions, const ModelSpec& spec,
                     Wanted wanted)
    : wanted_(wanted), vocabulary_(static_cast<size_t>(spec.vocabulary)) {
  size_t targets = 0;
  for (const Sample& sample : samples) {
    first_target_.push_back(targets);
    targets += sample.targets.size();
  }
  const size_t heads =
      samples.size() * static_cast<size_t>(spec.layer_count()) * static_cast<size_t>(spec.heads());
  Outputs empty;
  empty.masks.resize(heads);
  if (wanted.stats) empty.stats.resize(heads * kStats);
  empty.log_probs.resize(wanted.next ? samples.size() * vocabulary_ : targets);
  empty.is_greedy.resize(targets);
  if (wanted.attention > 0) empty.attention.resize(samples.size());
  outputs_.assign(interventions, empty);
}

void Collector::take(size_t path, PathResult& result) {
  const size_t sample = path / outputs_.size();
  Outputs& out = outputs_[path % outputs_.size()];
  const auto layers = static_cast<size_t>(result.mask.layers()),
             heads = static_cast<size_t>(result.mask.heads());
  for (size_t layer = 0; layer < layers; ++layer) {
    const std::span<const uint8_t> off = std::as_const(result.mask).layer(static_cast<int>(layer));
    std::ranges::copy(off,
                      out.masks.begin() + static_cast<std::ptrdiff_t>((sample * layers + layer) * heads));
  }
  if (wanted_.stats) {
    auto to = out.stats.begin() + static_cast<std::ptrdiff_t>(sample * layers * heads * kStats);
    for (const HeadStats& head : result.stats.values) to = std::ranges::copy(head, to).out;
  }
  if (wanted_.next) log_softmax(result.last_logits, out.log_probs.data() + sample * vocabulary_);
  const auto first = static_cast<std::ptrdiff_t>(first_target_[sample]);
  if (!wanted_.next) std::ranges::copy(result.log_probs, out.log_probs.begin() + first);
  std::ranges::copy(result.is_greedy, out.is_greedy.begin() + first);
  if (wanted_.attention > 0) out.attention[sample] = squares(result.attention);
  result = {};
}

}  // namespace idleheads
