// Frequencies of rotary position embeddings, as transformers computes them (modeling_rope_utils.py).
#pragma once

#include <vector>

#include "idleheads/model/spec.h"

namespace idleheads {

// Plain ones: theta^(-2i / rotated), i < rotated / 2, in float32.
std::vector<float> rope_frequencies(double theta, int rotated);

// "llama3" scaling (Llama 3.1): long wavelengths are slowed by `factor`, short ones kept.
struct Llama3Scaling {
  double factor = 1, low_frequency_factor = 1, high_frequency_factor = 4, original_context = 8192;
  bool operator==(const Llama3Scaling&) const = default;
};
void apply_llama3_scaling(const Llama3Scaling& scaling, std::vector<float>& frequencies);

// "yarn" (arXiv 2309.00071): frequencies between those of beta_fast and beta_slow turns in the original
// context are blended from kept to slowed by `factor`.
struct YarnScaling {
  double factor = 1, original_context = 0, beta_fast = 32, beta_slow = 1;
  bool truncate = true;         // the blended range is rounded outwards to whole frequencies
  double attention_factor = 0;  // RopeSpec::magnitude; 0: by the two below, or 0.1 ln(factor) + 1
  double mscale = 0, mscale_all_dim = 0;
  bool operator==(const YarnScaling&) const = default;
};
// Sets frequencies and magnitude; theta and their number must be set.
void apply_yarn(const YarnScaling& scaling, RopeSpec& rope);

}  // namespace idleheads
