#include "engine/cpu/rotary.h"

#include <cmath>

#include "engine/cpu/ops.h"

namespace idleheads {

void Rotary::prepare(int64_t positions) {
  const auto half = std::ssize(frequencies_);
  const int64_t there = cosines_.size(), angles = positions * half;
  if (angles <= there) return;
  cosines_.grow(angles);
  sines_.grow(angles);
  for (int64_t i = there; i < angles; ++i) {
    const float angle = static_cast<float>(i / half) * frequencies_[static_cast<size_t>(i % half)];
    cosines_[i] = static_cast<float>(std::cos(static_cast<double>(angle))) * magnitude_;
    sines_[i] = static_cast<float>(std::sin(static_cast<double>(angle))) * magnitude_;
  }
}

void Rotary::turn(float* head, int64_t position) const {
  const auto half = std::ssize(frequencies_);
  rope(head, cosines_.data() + position * half, sines_.data() + position * half, 2 * half);
}

}  // namespace idleheads
