// How often each head was off: from the masks of many forward passes to "the heads by name".
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "idleheads/heads/intervention.h"

namespace idleheads {

struct HeadFrequency {
  int layers = 0;
  int heads = 0;
  std::vector<int64_t> off;  // [layers, heads]: forward passes in which the head was off
  int64_t passes = 0;        // one a sample, or one a new token where text is generated
  HeadShape shape;           // of the masks; as made by default every head is there

  // Counts `count` passes more, at least one. The first ones set the shape; throws std::invalid_argument for
  // a mask of another shape.
  void add(const HeadMask& mask, int64_t count = 1);
  // Adds what was counted elsewhere, of a model of the same shape.
  void add(const HeadFrequency& other);
  int64_t count(HeadId id) const { return off[static_cast<size_t>(id.layer) * heads + id.head]; }
  // Share of the passes in which the head was off, in [0, 1]. There must be passes.
  double share(HeadId id) const { return static_cast<double>(count(id)) / static_cast<double>(passes); }
  bool has(HeadId id) const { return shape.has(id); }
  // The mean share of the heads that are there which were off, in [0, 1]; 0 without passes.
  double mean_share() const;
};

// `masks`: one a pass.
HeadFrequency head_frequency(std::span<const HeadMask> masks);

// The heads that are there, the one most often off first; equal ones in order of layer and head.
std::vector<HeadId> heads_by_frequency(const HeadFrequency& frequency);

}  // namespace idleheads
