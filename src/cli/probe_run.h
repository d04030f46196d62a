// What idleheads probe has computed, and the forms in which it is shown.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "idleheads/engine/engine.h"

namespace idleheads::cli {

struct ProbeRun {
  const Model& model;
  const Score& score;  // of the grid
  uint64_t seed = 0;   // of the random score
  std::vector<Sample> samples;
  std::vector<Intervention> interventions;  // nothing switched off first
  std::vector<PathResult> results;          // [samples, interventions]

  const PathResult& result(size_t sample, size_t intervention) const {
    return results[sample * interventions.size() + intervention];
  }
};

// "all heads on", "ahon_ln<0.52", "L0H1"; a mask of many heads is named by their number.
std::string name_of_rule(const Intervention& rule);
// Of every token, [vocabulary].
std::vector<double> probabilities_of(const std::vector<float>& logits);
// The five likeliest tokens, of equal ones the first.
std::vector<int32_t> likeliest(const std::vector<float>& logits);

// probe_text.cc: what a person reads.
void print_probe(const ProbeRun& run);

// probe_json.cc: everything, for machines; the logits of all tokens only if asked for.
void print_probe_json(const ProbeRun& run, bool logits);

// probe_page.cc: the patterns in RunOptions::attention as a page.
void write_probe_page(const ProbeRun& run, const std::string& file);

}  // namespace idleheads::cli
