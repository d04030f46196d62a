#include "idleheads/analysis/frequency.h"

#include <gtest/gtest.h>

#include <stdexcept>
#include <vector>

namespace idleheads {
namespace {

HeadMask mask_of(const std::vector<HeadId>& off) {
  HeadMask mask(2, 3);
  for (const HeadId id : off) mask.set(id.layer, id.head, true);
  return mask;
}

TEST(HeadFrequency, CountsEveryHead) {
  const std::vector<HeadMask> masks = {mask_of({{0, 1}, {1, 2}}), mask_of({{1, 2}}), mask_of({}),
                                       mask_of({{1, 0}})};
  const HeadFrequency frequency = head_frequency(masks);
  EXPECT_EQ(frequency.layers, 2);
  EXPECT_EQ(frequency.heads, 3);
  EXPECT_EQ(frequency.passes, 4);
  EXPECT_EQ(frequency.off, (std::vector<int64_t>{0, 1, 0, 1, 0, 2}));
  EXPECT_EQ(frequency.count({1, 2}), 2);
  EXPECT_EQ(frequency.share({1, 2}), 0.5);
}

TEST(HeadFrequency, MostOftenOffFirstThenByPlace) {
  const std::vector<HeadMask> masks = {mask_of({{0, 1}, {1, 2}}), mask_of({{1, 2}, {1, 0}})};
  const std::vector<HeadId> expected = {{1, 2}, {0, 1}, {1, 0}, {0, 0}, {0, 2}, {1, 1}};
  EXPECT_EQ(heads_by_frequency(head_frequency(masks)), expected);
}

TEST(HeadFrequency, SharesAreOfTheHeadsThatAreThere) {
  HeadMask mask(HeadShape(2, 2, std::vector<HeadId>{{0, 0}, {1, 0}, {1, 1}}));
  HeadFrequency frequency;
  frequency.add(mask);
  mask.set(0, 1, true);
  frequency.add(mask, 3);
  EXPECT_EQ(frequency.mean_share(), 0.75);
  EXPECT_FALSE(frequency.has({0, 0}));
  EXPECT_EQ(heads_by_frequency(frequency), std::vector<HeadId>({{0, 1}}));
}

TEST(HeadFrequency, NoSamples) {
  const HeadFrequency frequency = head_frequency({});
  EXPECT_EQ(frequency.passes, 0);
  EXPECT_TRUE(heads_by_frequency(frequency).empty());
}

TEST(HeadFrequency, RefusesAnotherShape) {
  HeadFrequency frequency = head_frequency(std::vector<HeadMask>{mask_of({})});
  EXPECT_THROW(frequency.add(HeadMask(3, 2)), std::invalid_argument);
  EXPECT_EQ(frequency.passes, 1);
}

}  // namespace
}  // namespace idleheads
