// How often each head was off: from the masks of many samples to "the heads by name".
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "heads/intervention.h"

namespace idleheads {

struct HeadFrequency {
  int layers = 0;
  int heads = 0;
  std::vector<int64_t> off;  // [layers, heads]: samples in which the head was off
  int64_t samples = 0;

  // Counts one more sample. The first one sets the shape; throws std::invalid_argument for a mask of another
  // shape.
  void add(const HeadMask& mask);
  int64_t count(HeadId id) const { return off[static_cast<size_t>(id.layer) * heads + id.head]; }
  // Share of the samples in which the head was off, in [0, 1]. There must be samples.
  double share(HeadId id) const { return static_cast<double>(count(id)) / static_cast<double>(samples); }
};

// `masks`: one a sample.
HeadFrequency head_frequency(std::span<const HeadMask> masks);

// All heads, the one most often off first; equal ones in order of layer and head.
std::vector<HeadId> heads_by_frequency(const HeadFrequency& frequency);

}  // namespace idleheads
