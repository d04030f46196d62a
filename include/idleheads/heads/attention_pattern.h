// Where one head looks: its attention weights A on one sample.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "idleheads/heads/head_id.h"

namespace idleheads {

// Row t has the weights of the token at position t on the tokens 0 to t; those behind it have none. A row
// sums to 1, or to less where the head has a learned sink.
class AttentionPattern {
 public:
  AttentionPattern() = default;
  // Zeros.
  AttentionPattern(HeadId head, int64_t tokens);

  // Bytes of a pattern of so many tokens.
  static int64_t bytes(int64_t tokens);
  // Where row t begins among the weights.
  static int64_t begin_of(int64_t t) { return t * (t + 1) / 2; }

  HeadId head() const { return head_; }
  int64_t tokens() const { return tokens_; }
  std::span<const float> row(int64_t t) const;
  float* data() { return weights_.data(); }  // all rows, one after the other
  const std::vector<float>& weights() const { return weights_; }

  // What each token gets: the mean over all rows of A[t,k], [tokens]. Stat::top_weight is the largest of
  // them.
  std::vector<double> received() const;
  // How many tokens back the head looks: the mean of t - k over all weights. NaN without weights.
  double distance() const;

 private:
  HeadId head_;
  int64_t tokens_ = 0;
  std::vector<float> weights_;
};

}  // namespace idleheads
