#include "idleheads/heads/head_means.h"

#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "base/fail.h"

namespace idleheads {

int64_t in_output_units(float z) {
  return std::llrint(double{std::clamp(z, -kLargestOutput, kLargestOutput)} * kOutputUnits);
}

void OutputSums::add(const OutputSums& other) {
  if (sums.values().empty()) sums = HeadVectors<int64_t>(other.sums.shape(), other.sums.head_dim());
  if (!(sums.shape() == other.sums.shape()) || sums.head_dim() != other.sums.head_dim())
    throw std::logic_error("sums of heads' outputs of other shapes");
  for (size_t i = 0; i < sums.values().size(); ++i) {
    int64_t& sum = sums.values()[i];
    if (__builtin_add_overflow(sum, other.sums.values()[i], &sum))
      fail("the sums of the heads' outputs are too large for means; measure them on fewer prompts");
  }
  rows += other.rows;
}

HeadMeans OutputSums::means() const {
  if (rows == 0)
    fail("no head's mean output: every prompt is one token long, and the first token counts for nothing");
  HeadMeans means(sums.shape(), sums.head_dim());
  for (size_t i = 0; i < sums.values().size(); ++i)
    means.values()[i] =
        static_cast<float>(static_cast<double>(sums.values()[i]) / kOutputUnits / static_cast<double>(rows));
  return means;
}

}  // namespace idleheads
