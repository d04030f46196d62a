// The results of a run, gathered into one array of each kind for every intervention.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "idleheads/engine/sample.h"
#include "idleheads/model/spec.h"

namespace idleheads {

// Rows of samples under one intervention, sample after sample.
struct Outputs {
  std::vector<uint8_t> masks;                 // [samples, layers, heads]
  std::vector<float> stats;                   // [samples, layers, heads, 10], if wanted
  std::vector<double> log_probs;              // [samples, vocabulary], or one a target
  std::vector<uint8_t> is_greedy;             // one a target
  std::vector<std::vector<float>> attention;  // of each sample [heads, tokens, tokens], if wanted
};

// What is wanted besides masks.
struct Wanted {
  bool stats = false;
  bool next = false;     // log-probabilities of all tokens that could come next
  size_t attention = 0;  // heads whose patterns are wanted
};

class Collector {
 public:
  Collector(std::span<const Sample> samples, size_t interventions, const ModelSpec& spec, Wanted wanted);

  // The result of path number sample * interventions + intervention, which it takes the memory of.
  void take(size_t path, PathResult& result);

  std::vector<Outputs>& outputs() { return outputs_; }

 private:
  Wanted wanted_;
  size_t vocabulary_;
  std::vector<size_t> first_target_;  // of each sample
  std::vector<Outputs> outputs_;      // of each intervention
};

}  // namespace idleheads
