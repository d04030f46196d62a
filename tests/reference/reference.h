// The slow, obvious forward pass with head statistics: one sample at a time, the whole S x S attention
// matrix, double precision, plain loops. It exists to be right and is linked to tests only.
#pragma once

#include <vector>

#include "engine/sample.h"
#include "model/model.h"

namespace idleheads::reference {

struct Result {
  std::vector<std::vector<double>> logits;  // [tokens][vocabulary]
  SampleStats stats;
  HeadMask mask;
  double nearest_score =
      1e30;  // least |score - threshold| / |threshold| of any head: rounding decides below some 1e-5
};

Result forward(const Model& model, const Sample& sample, const Intervention& intervention,
               uint64_t seed = 1234);

// log p(token | tokens[0..position]) from the logits.
double log_prob(const Result& result, const Target& target);

}  // namespace idleheads::reference
