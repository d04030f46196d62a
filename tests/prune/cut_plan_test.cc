#include "prune/cut_plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace idleheads {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

// A layer with 6 heads in 3 groups, of which these are off.
LayerHeads plan(const std::vector<int>& off) {
  HeadMask mask(2, 6);
  for (const int head : off) mask.set(1, head, true);
  const std::vector<LayerHeads> plan = plan_cut(mask, 3);
  EXPECT_THAT(plan[0].heads, ElementsAre(0, 1, 2, 3, 4, 5));
  return plan[1];
}

TEST(CutPlan, WholeGroupsGo) {
  EXPECT_THAT(plan({2, 3}).heads, ElementsAre(0, 1, 4, 5));
  EXPECT_THAT(plan({2, 3}).kv_heads, ElementsAre(0, 2));
  EXPECT_THAT(plan({2, 3}).zeroed, IsEmpty());
}

TEST(CutPlan, HeadsInsideGroupsGoWhereAllGroupsHaveAsMany) {
  EXPECT_THAT(plan({0, 3, 4}).heads, ElementsAre(1, 2, 5));
  EXPECT_THAT(plan({0, 3, 4}).kv_heads, ElementsAre(0, 1, 2));
  EXPECT_THAT(plan({0, 1, 3, 4}).heads, ElementsAre(2, 5));
  EXPECT_THAT(plan({0, 1, 3, 4}).kv_heads, ElementsAre(1, 2));
}

TEST(CutPlan, OthersStayAsZeros) {
  const LayerHeads layer = plan({0, 4, 5});
  EXPECT_THAT(layer.heads, ElementsAre(0, 1, 2, 3));
  EXPECT_THAT(layer.kv_heads, ElementsAre(0, 1));
  EXPECT_THAT(layer.zeroed, ElementsAre(0));
  HeadMask mask(1, 6);
  for (const int head : {0, 4, 5}) mask.set(0, head, true);
  EXPECT_EQ(cut_heads(plan_cut(mask, 3), mask), 2);
}

TEST(CutPlan, ALayerMayGoWhole) {
  const LayerHeads layer = plan({0, 1, 2, 3, 4, 5});
  EXPECT_THAT(layer.heads, IsEmpty());
  EXPECT_THAT(layer.kv_heads, IsEmpty());
  EXPECT_THAT(layer.zeroed, IsEmpty());
}

}  // namespace
}  // namespace idleheads
