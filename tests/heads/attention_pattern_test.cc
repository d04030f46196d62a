#include "idleheads/heads/attention_pattern.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

namespace idleheads {
namespace {

AttentionPattern pattern_of(const std::vector<float>& weights, int64_t tokens) {
  AttentionPattern pattern({2, 1}, tokens);
  std::ranges::copy(weights, pattern.data());
  return pattern;
}

TEST(AttentionPattern, RowsColumnsAndDistance) {
  const AttentionPattern pattern = pattern_of({1, 0.25, 0.75, 0.5, 0, 0.5}, 3);
  EXPECT_EQ(pattern.head(), (HeadId{2, 1}));
  EXPECT_EQ(pattern.tokens(), 3);
  EXPECT_EQ(std::vector(pattern.row(1).begin(), pattern.row(1).end()), (std::vector<float>{0.25, 0.75}));
  EXPECT_EQ(std::vector(pattern.row(2).begin(), pattern.row(2).end()), (std::vector<float>{0.5, 0, 0.5}));
  EXPECT_EQ(pattern.received(), (std::vector{1.75 / 3, 0.25, 0.5 / 3}));
  EXPECT_DOUBLE_EQ(pattern.distance(), (0.25 * 1 + 0.5 * 2) / 3);
  EXPECT_EQ(AttentionPattern::bytes(3), 24);
}

// With a sink rows sum to less: the mean is over the weights that there are.
TEST(AttentionPattern, DistanceOfRowsWithASink) {
  EXPECT_DOUBLE_EQ(pattern_of({0.5, 0.25, 0}, 2).distance(), 0.25 / 0.75);
  EXPECT_TRUE(std::isnan(pattern_of({0, 0, 0}, 2).distance()));
}

}  // namespace
}  // namespace idleheads
