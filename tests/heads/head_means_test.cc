#include "idleheads/heads/head_means.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <random>
#include <stdexcept>
#include <vector>

#include "idleheads/base/error.h"

namespace idleheads {
namespace {

OutputSums sums_of(const std::vector<float>& outputs) {
  OutputSums sums;
  sums.sums = HeadVectors<int64_t>(HeadShape(1, 1), 1);
  for (const float z : outputs) sums.sums.of({0, 0})[0] += in_output_units(z);
  sums.rows = std::ssize(outputs);
  return sums;
}

TEST(HeadMeans, EachHeadHasAVectorOfItsOwn) {
  HeadMeans means(HeadShape(2, 3), 4);
  means.of({1, 2})[3] = 5;
  means.of({0, 1})[0] = 7;
  EXPECT_EQ(means.values().size(), 24);
  EXPECT_EQ(means.values()[23], 5);
  EXPECT_EQ(means.values()[4], 7);
}

// As integers the sums do not depend on the order, nor on how the rows are divided.
TEST(OutputSums, AreTheSameBitsInAnyOrderAndDivision) {
  std::mt19937 random(3);
  std::normal_distribution<float> normal(0.3f, 2);
  std::vector<float> outputs(1000);
  for (float& z : outputs) z = normal(random);
  const OutputSums all = sums_of(outputs);
  double mean = 0;
  for (const float z : outputs) mean += double{z} / 1000;
  // Each of the numbers is rounded by half a unit at most; the mean once more, to float32.
  EXPECT_NEAR(all.means().values()[0], mean, 0.5 / kOutputUnits + 1e-7 * std::abs(mean));
  std::ranges::shuffle(outputs, random);
  const auto middle = outputs.begin() + 317;
  OutputSums parts;
  parts.add(sums_of({outputs.begin(), middle}));
  parts.add(sums_of({middle, outputs.end()}));
  EXPECT_EQ(parts, all);
}

TEST(OutputSums, HugeOutputsCountAsTheLargest) {
  const float huge = std::numeric_limits<float>::max();
  EXPECT_EQ(sums_of({huge, huge}).means().values()[0], kLargestOutput);
  EXPECT_EQ(sums_of({-huge}).means().values()[0], -kLargestOutput);
}

TEST(OutputSums, NothingThatCannotBeSaid) {
  EXPECT_THROW(sums_of({}).means(), Error);
  OutputSums large = sums_of({1});
  large.sums.values()[0] = std::numeric_limits<int64_t>::max();
  EXPECT_THROW(large.add(sums_of({1})), Error);
  OutputSums other;
  other.sums = HeadVectors<int64_t>(HeadShape(1, 2), 1);
  EXPECT_THROW(other.add(sums_of({1})), std::logic_error);
}

}  // namespace
}  // namespace idleheads
