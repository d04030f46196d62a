#include "idleheads/analysis/curve.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

namespace idleheads {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kInf = std::numeric_limits<double>::infinity();

TEST(LargestInactiveShare, InterpolatesTheCrossing) {
  // Baseline 60: the line is 59, halfway between the points at 10 and 20 percent.
  EXPECT_EQ(largest_inactive_share({{0, 60}, {10, 60}, {20, 58}}, 60), 15);
  EXPECT_EQ(largest_inactive_share({{0, 60}, {10, 60}, {20, 58}}, 60, 2), 20);
}

TEST(LargestInactiveShare, TakesTheLastCrossingInEitherDirection) {
  // Falls below 59 at 5, rises at 15, falls at 25.
  EXPECT_EQ(largest_inactive_share({{0, 60}, {10, 58}, {20, 60}, {30, 58}}, 60), 25);
  // Falls at 5, rises at 15 and stays.
  EXPECT_EQ(largest_inactive_share({{0, 60}, {10, 58}, {20, 60}}, 60), 15);
}

TEST(FirstCrossing, IsTheFirstFallBelowTheLine) {
  EXPECT_EQ(first_crossing({{0, 60}, {10, 58}, {20, 60}, {30, 58}}, 60), 5);
  EXPECT_EQ(first_crossing({{20, 60}, {0, 60}, {30, 58}, {10, 60}}, 60), 25) << "whatever the order";
  EXPECT_EQ(first_crossing({{0, 60}, {10, 60}, {20, 58}}, 60, 2), 20) << "a point on the line is within";
  EXPECT_EQ(first_crossing({{0, 60}, {30, 61}}, 60), 30) << "never: the last point";
  EXPECT_EQ(first_crossing({{0, 50}, {10, 60}}, 60), std::nullopt) << "it begins below";
  EXPECT_EQ(first_crossing({{0, 60}, {10, kNan}, {20, 58}}, 60), 10);
  EXPECT_EQ(first_crossing({}, 60), std::nullopt);
}

TEST(LargestInactiveShare, OrderOfThePointsDoesNotMatter) {
  std::vector<CurvePoint> curve = {{0, 60}, {5, 59.5}, {5, 57}, {10, 59.8}, {17, 58.2}, {30, 40}};
  const auto expected = largest_inactive_share(curve, 60);
  ASSERT_TRUE(expected.has_value());
  const auto area = normalized_auc(curve);
  const auto less = [](const CurvePoint& a, const CurvePoint& b) {
    return std::pair(a.accuracy, a.percent) < std::pair(b.accuracy, b.percent);
  };
  std::sort(curve.begin(), curve.end(), less);
  do {
    ASSERT_EQ(largest_inactive_share(curve, 60), expected);
    ASSERT_EQ(normalized_auc(curve), area);
  } while (std::next_permutation(curve.begin(), curve.end(), less));
}

TEST(LargestInactiveShare, AllWithinGivesTheLastPoint) {
  EXPECT_EQ(largest_inactive_share({{0, 60}, {30, 61}, {12, 59.5}}, 60), 30);
  EXPECT_EQ(largest_inactive_share({{0, 60}, {10, 59}, {20, 60}}, 60), 20) << "a point on the line is within";
}

TEST(LargestInactiveShare, AllBelowGivesNone) {
  EXPECT_EQ(largest_inactive_share({{0, 50}, {10, 58.9}}, 60), std::nullopt);
}

TEST(LargestInactiveShare, EndsOnTheLine) {
  EXPECT_EQ(largest_inactive_share({{0, 60}, {10, 59}, {20, 50}}, 60), 10);
  EXPECT_EQ(largest_inactive_share({{0, 60}, {10, 59}}, 60), 10);
}

TEST(LargestInactiveShare, EqualPercents) {
  // A vertical fall: the crossing has that very percent.
  EXPECT_EQ(largest_inactive_share({{0, 60}, {10, 60}, {10, 50}}, 60), 10);
  EXPECT_EQ(largest_inactive_share({{10, 60}, {10, 50}}, 60), 10);
}

TEST(LargestInactiveShare, SinglePointAndNone) {
  EXPECT_EQ(largest_inactive_share({{7, 60}}, 60), 7);
  EXPECT_EQ(largest_inactive_share({{7, 58}}, 60), std::nullopt);
  EXPECT_EQ(largest_inactive_share({}, 60), std::nullopt);
}

TEST(LargestInactiveShare, WhatIsNotFiniteIsLeftOut) {
  EXPECT_EQ(largest_inactive_share({{0, 60}, {kNan, 10}, {10, 60}, {12, kNan}, {20, 58}, {kInf, 60}}, 60),
            15);
  EXPECT_EQ(largest_inactive_share({{0, kNan}}, 60), std::nullopt);
  EXPECT_EQ(largest_inactive_share({{0, 60}, {10, 50}}, kNan), std::nullopt);
}

TEST(NormalizedAuc, IsTheMeanHeight) {
  EXPECT_EQ(normalized_auc({{0, 60}, {10, 60}}), 60);
  EXPECT_EQ(normalized_auc({{0, 60}, {30, 0}, {10, 30}}), (450. + 300.) / 30);
  EXPECT_EQ(normalized_auc({{5, 60}, {15, 40}}), 50) << "the width is that of the curve";
}

TEST(NormalizedAuc, NeedsTwoDistinctPercents) {
  EXPECT_EQ(normalized_auc({}), std::nullopt);
  EXPECT_EQ(normalized_auc({{3, 60}}), std::nullopt);
  EXPECT_EQ(normalized_auc({{3, 60}, {3, 50}, {kNan, 1}}), std::nullopt);
  EXPECT_EQ(normalized_auc({{3, 60}, {3, 50}, {4, 50}}), 55) << "continues from the higher one";
}

}  // namespace
}  // namespace idleheads
