// What greedy generation takes and gives. At every new token the interventions look at the whole sequence so
// far, so that the heads that are off may change from token to token (the paper's use_cache = False).
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "idleheads/heads/head_means.h"
#include "idleheads/heads/intervention.h"
#include "idleheads/heads/stats.h"

namespace idleheads {

struct Prompt {
  uint64_t id = 0;              // what random scores are drawn by (RandomKey::sample)
  std::vector<int32_t> tokens;  // at least one
};

struct GenerateOptions {
  int max_new_tokens = 256;         // at least 1
  std::vector<int32_t> end_tokens;  // generation of a prompt ends behind any of them
  float repetition_penalty = 1;  // of the model's generation config; logits of tokens that are there already
                                 // are divided by it, or multiplied where negative
  // Asked on the caller's thread after every new token whether these new tokens are enough; may be empty.
  std::function<bool(std::span<const int32_t>)> enough;
  bool stats = false;                // GenerateResult::stats
  uint64_t seed = 1234;              // of the random score
  const HeadMeans* means = nullptr;  // what heads that are off give; nullptr: zeros
  // Called on the caller's thread with the share of the work done, as far as one can know; may throw to stop.
  std::function<void(double)> on_progress;
};

// The heads that were off in consecutive forward passes.
struct MaskRun {
  HeadMask mask;
  int64_t passes = 0;
  bool operator==(const MaskRun&) const = default;
};

struct GenerateResult {
  std::vector<int32_t> tokens;  // the new ones, an end token included
  std::vector<MaskRun> masks;   // one forward pass a new token
  SampleStats stats;            // of the prompt's pass, if asked for
  double work = 0;              // its part of the rows computed, summed over layers
  int64_t work_unshared = 0;    // rows x layers if every token's pass computed the whole sequence
};

}  // namespace idleheads
