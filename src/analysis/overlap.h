// How much two ways of switching heads off agree. Pure functions.
#pragma once

#include <cstdint>
#include <optional>

#include "idleheads/heads/intervention.h"

namespace idleheads {

// Over pairs of masks for the same forward pass.
struct Overlap {
  int64_t both = 0;    // (pass, head) off in both
  int64_t either = 0;  // off in at least one

  // Throws std::invalid_argument for masks of different shapes.
  void add(const HeadMask& a, const HeadMask& b);
  // Intersection over union, in [0, 1]; none if nothing is off in either.
  std::optional<double> iou() const;
};

}  // namespace idleheads
