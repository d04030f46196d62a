#include "idleheads/heads/attention_pattern.h"

namespace idleheads {

AttentionPattern::AttentionPattern(HeadId head, int64_t tokens)
    : head_(head), tokens_(tokens), weights_(static_cast<size_t>(begin_of(tokens))) {}

int64_t AttentionPattern::bytes(int64_t tokens) {
  return begin_of(tokens) * static_cast<int64_t>(sizeof(float));
}

std::span<const float> AttentionPattern::row(int64_t t) const {
  return std::span(weights_).subspan(static_cast<size_t>(begin_of(t)), static_cast<size_t>(t + 1));
}

std::vector<double> AttentionPattern::received() const {
  std::vector<double> sums(static_cast<size_t>(tokens_));
  for (int64_t t = 0; t < tokens_; ++t) {
    const std::span<const float> weights = row(t);
    for (size_t k = 0; k < weights.size(); ++k) sums[k] += double{weights[k]};
  }
  for (double& sum : sums) sum /= static_cast<double>(tokens_);
  return sums;
}

double AttentionPattern::distance() const {
  double all = 0, distances = 0;
  for (int64_t t = 0; t < tokens_; ++t) {
    const std::span<const float> weights = row(t);
    for (size_t k = 0; k < weights.size(); ++k) {
      all += double{weights[k]};
      distances += double{weights[k]} * static_cast<double>(t - static_cast<int64_t>(k));
    }
  }
  return distances / all;
}

}  // namespace idleheads
