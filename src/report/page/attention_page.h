// Attention patterns of chosen heads as one self-contained HTML page (docs/probe.md).
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "idleheads/heads/attention_pattern.h"
#include "idleheads/heads/intervention.h"

namespace idleheads {

// What a prompt gave under one intervention; with all heads on first.
struct AttentionRun {
  std::string name;
  bool is_score_rule = false;
  const HeadMask& mask;
  const SampleStats& stats;
  std::span<const AttentionPattern> patterns;  // of the same heads in every run
};

struct AttentionPrompt {
  std::vector<std::string> tokens;  // as people read them
  RandomKey key;
  std::vector<AttentionRun> runs;
};

std::string attention_page(const std::string& model, std::span<const AttentionPrompt> prompts);

}  // namespace idleheads
