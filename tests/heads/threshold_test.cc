#include "idleheads/heads/threshold.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>

#include "idleheads/base/error.h"

namespace idleheads {
namespace {

const Score& below() { return require_score("ahon"); }
const Score& above() { return require_score("awft"); }

TEST(Threshold, InterpolatesBetweenSortedScores) {
  const std::vector<float> values = {4, 1, 3, 2};  // y = 0.25, 0.5, 0.75, 1
  EXPECT_FLOAT_EQ(threshold_for_share(below(), values, 0.5), 2);
  EXPECT_FLOAT_EQ(threshold_for_share(below(), values, 0.6), 2.4f);
  EXPECT_FLOAT_EQ(threshold_for_share(above(), values, 0.25), 3);
  EXPECT_FLOAT_EQ(threshold_for_share(above(), values, 0.4), 2.4f);
}

TEST(Threshold, ClampsToTheEnds) {
  const std::vector<float> values = {4, 1, 3, 2};
  EXPECT_EQ(threshold_for_share(below(), values, 0), 1);    // nothing is strictly less
  EXPECT_EQ(threshold_for_share(below(), values, 0.1), 1);  // y below 1/n
  EXPECT_EQ(threshold_for_share(below(), values, 1), 4);
  EXPECT_EQ(threshold_for_share(above(), values, 0), 4);  // nothing is strictly greater
  EXPECT_EQ(threshold_for_share(above(), values, 1), 1);
  EXPECT_EQ(threshold_for_share(below(), std::vector<float>{7}, 0.3), 7);
}

TEST(Threshold, LeavesNaNOutAndNeedsAValue) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  EXPECT_FLOAT_EQ(threshold_for_share(below(), std::vector<float>{nan, 1, 2, nan}, 0.5), 1);
  EXPECT_THROW(threshold_for_share(below(), std::vector<float>{nan}, 0.5), Error);
}

TEST(Threshold, BesideInfinityIsNeverNaN) {
  const float inf = std::numeric_limits<float>::infinity();
  const std::vector<float> values = {-inf, 1, 3, inf};
  EXPECT_EQ(threshold_for_share(below(), values, 0.3), -inf);
  EXPECT_EQ(threshold_for_share(below(), values, 0.5), 1);
  EXPECT_EQ(threshold_for_share(below(), values, 0.6), 1 + 0.4f * 2);
  EXPECT_EQ(threshold_for_share(below(), values, 0.8), inf);
  EXPECT_EQ(threshold_for_share(below(), std::vector<float>{inf, inf, inf}, 0.5), inf);
  EXPECT_EQ(threshold_for_share(below(), std::vector<float>{-inf, inf}, 0.75), -inf);
}

TEST(Threshold, OfRandomIsTheShare) {
  EXPECT_FLOAT_EQ(threshold_for_share(require_score("random"), std::vector<float>{}, 0.15), 0.15f);
}

TEST(Threshold, FlagsAboutTheTargetShare) {
  std::mt19937 random(1);
  std::vector<float> values(10000);
  for (float& x : values) x = std::normal_distribution<float>()(random);
  for (const Score* score : {&below(), &above()}) {
    for (const double p : {0.05, 0.1, 0.3, 0.9}) {
      const float threshold = threshold_for_share(*score, values, p);
      const auto flagged = std::count_if(values.begin(), values.end(),
                                         [&](float x) { return is_inactive(*score, x, threshold); });
      EXPECT_NEAR(static_cast<double>(flagged) / 10000, p, 1.5e-4);
    }
  }
}

}  // namespace
}  // namespace idleheads
