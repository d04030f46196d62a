// What the engine takes and gives: token sequences with scored positions, and per (sample, intervention)
// results.
#pragma once

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <span>
#include <vector>

#include "idleheads/heads/attention_pattern.h"
#include "idleheads/heads/intervention.h"
#include "idleheads/heads/stats.h"

namespace idleheads {

// Ask for log p(token | tokens[0..position]).
struct Target {
  int32_t position = 0;  // in [0, tokens of the sample)
  int32_t token = 0;
  bool operator==(const Target&) const = default;
};

// One token sequence that is scored, without padding.
struct Sample {
  uint64_t id = 0;                // what random scores are drawn by (RandomKey::sample); unique in a task
  std::vector<int32_t> tokens;    // at least one
  std::vector<Target> targets;    // any number, in any order
  bool want_next_token = false;   // the largest logit's token at the last position, the first of several
  bool want_last_logits = false;  // the logits of the last position
};

// Tokens of the longest sample; 0 for none.
inline int64_t longest(std::span<const Sample> samples) {
  int64_t tokens = 0;
  for (const Sample& sample : samples) tokens = std::max(tokens, std::ssize(sample.tokens));
  return tokens;
}

// What one sample gave under one intervention.
struct PathResult {
  std::vector<float> log_probs;    // one a target, natural logarithm
  std::vector<uint8_t> is_greedy;  // one a target: 1 if the token has the largest logit of its position
  int32_t next_token = -1;         // if asked for
  std::vector<float> last_logits;  // [vocabulary] if asked for
  SampleStats stats;               // [layers, heads] if asked for; of this very pass, earlier layers ablated
  HeadMask mask;                   // the heads that were off
  std::vector<AttentionPattern> attention;  // of RunOptions::attention, in that order
  double work = 0;  // its part of the rows computed, summed over layers; how it ran, not what came out
};

}  // namespace idleheads
