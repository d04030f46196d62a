// Samples as a tree of token runs, so that what they have in common is computed once.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "idleheads/engine/sample.h"

namespace idleheads {

// A run of tokens [begin, end) of the sequences that go through it.
struct Segment {
  int32_t parent = -1;  // the segment before it; -1: it begins at position 0
  int32_t sample = 0;   // one of the samples that hold these tokens
  int64_t begin = 0;
  int64_t end = 0;
  int64_t rope_length = 0;  // of its samples

  int64_t length() const { return end - begin; }
};

// What is to be run: a sample under an intervention.
struct PathSpec {
  int32_t sample = 0;
  int32_t intervention = 0;
};

struct TokenTree {
  std::vector<Segment> segments;  // parents before their children
  std::vector<int32_t> leaf;      // per sample: the segment that ends with its last token
};

// `rope_lengths`, one a sample (ModelSpec::rope_length): samples with different ones share nothing.

// The tree of common prefixes of any depth.
TokenTree build_token_tree(std::span<const Sample> samples, std::span<const int64_t> rope_lengths);
// One segment a sample, of its tokens from begins[sample] on.
TokenTree own_segments(std::span<const Sample> samples, std::span<const int64_t> rope_lengths,
                       std::span<const int64_t> begins);
// Nothing shared: a segment for every path, whose leaf has the path's number.
TokenTree separate_paths(std::span<const Sample> samples, std::span<const int64_t> rope_lengths,
                         std::span<const PathSpec> paths);

}  // namespace idleheads
