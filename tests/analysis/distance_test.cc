#include "idleheads/analysis/distance.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>

#include "analysis/spread.h"

namespace idleheads {
namespace {

constexpr float kNanFloat = std::numeric_limits<float>::quiet_NaN();

TEST(CdfDistance, HandComputed) {
  const CdfDistance d = cdf_distance({0, 1, 3}, {5, 6, 8});
  EXPECT_EQ(d.kolmogorov_smirnov, 1);
  EXPECT_NEAR(d.wasserstein, 5, 1e-12);
  const CdfDistance half = cdf_distance({0, 1}, {0, 2});
  EXPECT_EQ(half.kolmogorov_smirnov, 0.5);
  EXPECT_NEAR(half.wasserstein, 0.5, 1e-12);
}

TEST(CdfDistance, EqualSamplesAreAtZero) {
  const CdfDistance d = cdf_distance({3, 1, 2, 2, kNanFloat}, {2, 3, 1, 2});
  EXPECT_EQ(d.kolmogorov_smirnov, 0);
  EXPECT_EQ(d.wasserstein, 0);
  EXPECT_TRUE(std::isnan(cdf_distance({kNanFloat}, {1}).wasserstein));
}

// Against the definitions on a grid of all values.
TEST(CdfDistance, AgreesWithTheDefinition) {
  std::mt19937 generator(7);
  for (int trial = 0; trial < 50; ++trial) {
    std::vector<float> a(1 + generator() % 20), b(1 + generator() % 20);
    for (float& x : a) x = static_cast<float>(generator() % 30);
    for (float& x : b) x = static_cast<float>(generator() % 30);
    const auto cdf = [](const std::vector<float>& values, double x) {
      double count = 0;
      for (const float value : values) count += value <= x;
      return count / static_cast<double>(values.size());
    };
    double greatest = 0, area = 0;
    for (int x = 0; x < 30; ++x) {
      const double gap = std::abs(cdf(a, x) - cdf(b, x));
      greatest = std::max(greatest, gap);
      area += gap;
    }
    const CdfDistance d = cdf_distance(a, b);
    EXPECT_NEAR(d.kolmogorov_smirnov, greatest, 1e-12);
    EXPECT_NEAR(d.wasserstein, area, 1e-9);
    const CdfDistance other_way = cdf_distance(b, a);
    EXPECT_EQ(d.kolmogorov_smirnov, other_way.kolmogorov_smirnov);
  }
}

TEST(Spread, OverSamplesAndGroups) {
  const Spread spread = spread_of(std::vector<float>{1, 3, 10, kNanFloat}, std::vector<int>{0, 0, 1, 1});
  EXPECT_EQ(spread.n, 3);
  EXPECT_NEAR(spread.mean, 14. / 3, 1e-12);
  EXPECT_NEAR(spread.deviation, std::sqrt(67. / 3), 1e-9);     // (13.444 + 2.778 + 28.444) / 2
  EXPECT_NEAR(spread.group_deviation, std::sqrt(32.), 1e-12);  // of the means 2 and 10
  const Spread one = spread_of(std::vector<float>{4}, std::vector<int>{0});
  EXPECT_EQ(one.mean, 4);
  EXPECT_TRUE(std::isnan(one.deviation));
  EXPECT_TRUE(std::isnan(one.group_deviation));
  EXPECT_TRUE(std::isnan(spread_of({}, {}).mean));
}

TEST(Quantiles, LinearBetweenNeighbours) {
  EXPECT_EQ(quantiles_of({4, kNanFloat, 0, 2}, 5), (std::vector<float>{0, 1, 2, 3, 4}));
  EXPECT_EQ(quantiles_of({7}, 3), (std::vector<float>{7, 7, 7}));
  EXPECT_TRUE(quantiles_of({kNanFloat}, 3).empty());
}

}  // namespace
}  // namespace idleheads
