// Rotary position embedding of one RopeSpec: cosines and sines of every position, made once.
#pragma once

#include <cstdint>

#include "base/matrix.h"
#include "model/spec.h"

namespace idleheads {

class Rotary {
 public:
  explicit Rotary(const RopeSpec& spec) : spec_(spec) {}

  // Makes ready for positions [0, positions). Not while others turn.
  void prepare(int64_t positions);

  // Turns the first rotated() elements of a head.
  void turn(float* head, int64_t position) const;

 private:
  const RopeSpec& spec_;
  AlignedBuffer<float> cosines_, sines_;  // [positions, rotated / 2]
};

}  // namespace idleheads
