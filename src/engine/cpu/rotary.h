// Rotary position embedding of samples of one rope_length: cosines and sines of every position, made once.
#pragma once

#include <cstdint>

#include "base/matrix.h"
#include "idleheads/model/spec.h"

namespace idleheads {

class Rotary {
 public:
  Rotary(const RopeSpec& spec, int64_t rope_length)
      : magnitude_(spec.magnitude), frequencies_(spec.frequencies_of(spec.kind_of(rope_length))) {}

  // Makes ready for positions [0, positions). Not while others turn.
  void prepare(int64_t positions);

  // Turns the first rotated() elements of a head.
  void turn(float* head, int64_t position) const;

 private:
  float magnitude_;
  std::vector<float> frequencies_;
  AlignedBuffer<float> cosines_, sines_;  // [positions, rotated / 2]
};

}  // namespace idleheads
