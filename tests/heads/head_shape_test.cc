#include "idleheads/heads/head_shape.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <stdexcept>

#include "idleheads/heads/intervention.h"

namespace idleheads {
namespace {

using testing::ElementsAre;

const std::vector<HeadId> kAbsent = {{0, 1}, {1, 0}, {1, 1}};

TEST(HeadShape, WholeAndCut) {
  const HeadShape whole(2, 2), cut(2, 2, kAbsent);
  EXPECT_TRUE(whole.is_whole());
  EXPECT_EQ(whole.count(), 4);
  EXPECT_TRUE(whole.absent().empty());
  EXPECT_FALSE(cut.is_whole());
  EXPECT_EQ(cut.count(), 1);
  EXPECT_EQ(cut.count(0), 1);
  EXPECT_EQ(cut.count(1), 0);
  EXPECT_THAT(cut.present(), ElementsAre(HeadId{0, 0}));
  EXPECT_EQ(cut.absent(), kAbsent);
  EXPECT_FALSE(cut == whole);
  EXPECT_TRUE(cut == HeadShape(2, 2, kAbsent));
  EXPECT_TRUE(HeadShape(2, 2, std::vector<HeadId>{}) == whole);
  EXPECT_THROW(HeadShape(1, 2, kAbsent), std::invalid_argument);
}

TEST(HeadShape, AMasksShareIsOfTheHeadsThatAreThere) {
  HeadMask mask(HeadShape(2, 2, std::vector<HeadId>{{1, 0}, {1, 1}}));
  mask.set(0, 1, true);
  EXPECT_EQ(mask.share(), 0.5);
  HeadMask whole(2, 2);
  whole.set(0, 1, true);
  EXPECT_EQ(whole.share(), 0.25);
  EXPECT_FALSE(mask == whole);
  EXPECT_EQ(HeadMask(HeadShape(1, 1, std::vector<HeadId>{{0, 0}})).share(), 0);
}

TEST(HeadShape, RulesFlagNoHeadThatIsAbsent) {
  const std::vector<HeadStats> layer = {stats_of_absent(), HeadStats{0.2f, 1, 1, 1, 1, 1, 1, 0, 0.2f, 0}};
  for (const char* rule : {"random<1", "ahon<100", "ahon_ln<100", "awft>-1", "mass>-1"}) {
    std::vector<uint8_t> mask(2, 7);
    decide_mask(parse_intervention(rule), layer, 0, {}, mask);
    EXPECT_THAT(mask, ElementsAre(0, 1)) << rule;
  }
}

}  // namespace
}  // namespace idleheads
