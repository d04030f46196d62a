// The library leaves OpenMP's settings of the process as they were.
#include <gtest/gtest.h>
#include <omp.h>

#include <vector>

#include "engine/cpu/linear.h"

namespace idleheads {
namespace {

TEST(OpenMp, ThreadsAreAsBefore) {
  const int before = omp_get_max_threads();
  omp_set_num_threads(3);
  constexpr int64_t kWidth = 32;
  const std::vector<float> weights(kWidth * kWidth, 0.5f), x(kTileRows * kWidth, 1.0f);
  std::vector<float> y(kTileRows * kWidth);
  const Linear linear(weights, kWidth, kWidth, Precision::f32);
  EXPECT_EQ(omp_get_max_threads(), 3) << "after packing";
  linear.apply(x.data(), y.data());
  EXPECT_EQ(omp_get_max_threads(), 3) << "after a product";
  EXPECT_EQ(y[0], 16.0f);
  omp_set_num_threads(before);
}

}  // namespace
}  // namespace idleheads
