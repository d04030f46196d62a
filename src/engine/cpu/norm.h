// Norms of rows, with their weights.
#pragma once

#include <algorithm>

#include "engine/cpu/ops.h"
#include "idleheads/model/spec.h"
#include "model/weights.h"

namespace idleheads {

class Norm {
 public:
  Norm() = default;  // leaves rows as they are
  // For rows of `count` numbers. `sets` of weights, one behind the other, are for rows of so many kinds.
  Norm(const NormSpec& spec, NormWeights weights, int64_t count, int64_t sets = 1)
      : kind_(spec.kind), epsilon_(spec.epsilon), count_(count), weights_(std::move(weights)) {
    if (kind_ == NormSpec::Kind::none) return;
    fill_where_absent(weights_.weight, sets, 1);
    if (kind_ == NormSpec::Kind::layer) fill_where_absent(weights_.bias, sets, 0);
  }

  bool is_there() const { return kind_ != NormSpec::Kind::none; }

  // y may be x.
  void apply(const float* x, float* y, int64_t set = 0) const {
    const int64_t first = set * count_;
    switch (kind_) {
      case NormSpec::Kind::none:
        if (x != y) std::copy_n(x, count_, y);
        return;
      case NormSpec::Kind::rms:
        return rms_norm(x, weights_.weight.data() + first, epsilon_, y, count_);
      case NormSpec::Kind::layer:
        return layer_norm(x, weights_.weight.data() + first, weights_.bias.data() + first, epsilon_, y,
                          count_);
    }
  }

 private:
  void fill_where_absent(AlignedBuffer<float>& values, int64_t sets, float value) {
    if (values.size() > 0) return;
    values.resize(sets * count_);
    std::fill_n(values.data(), sets * count_, value);
  }

  NormSpec::Kind kind_ = NormSpec::Kind::none;
  float epsilon_ = 0;
  int64_t count_ = 0;
  NormWeights weights_;
};

}  // namespace idleheads
