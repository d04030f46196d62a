// The slow, obvious forward pass with head statistics: one sample at a time, the whole S x S attention
// matrix, double precision, plain loops. It exists to be right and is linked to tests only.
#pragma once

#include <vector>

#include "idleheads/engine/sample.h"
#include "idleheads/heads/head_means.h"
#include "idleheads/model/model.h"

namespace idleheads::reference {

struct Result {
  std::vector<std::vector<double>> logits;  // [tokens][vocabulary]
  SampleStats stats;
  HeadMask mask;
  // [layers][heads][tokens]: row t are the weights on the tokens 0 to t; empty where a head is absent
  std::vector<std::vector<std::vector<std::vector<double>>>> attention;
  std::vector<HeadVectors<double>> outputs;  // [tokens]: z of every head, as if none were off
  double nearest_score =
      1e30;  // least |score - threshold| / |threshold| of any head: rounding decides below some 1e-5
};

// `means`: what heads that are off give; nullptr: zeros.
Result forward(const Model& model, const Sample& sample, const Intervention& intervention,
               uint64_t seed = 1234, const HeadMeans* means = nullptr);

// The mean of z over all tokens of the samples but their first ones, nothing switched off.
HeadMeans means_of(const Model& model, const std::vector<Sample>& samples);

// log p(token | tokens[0..position]) from the logits.
double log_prob(const Result& result, const Target& target);

}  // namespace idleheads::reference
