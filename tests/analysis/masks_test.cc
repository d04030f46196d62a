// What masks and statistics of heads say: KV groups, overlap, where attention goes.
#include <gtest/gtest.h>

#include <cmath>
#include <stdexcept>

#include "analysis/attention_mass.h"
#include "analysis/kv_groups.h"
#include "analysis/overlap.h"

namespace idleheads {
namespace {

HeadMask mask_of(int layers, int heads, std::initializer_list<HeadId> off) {
  HeadMask mask(layers, heads);
  for (const HeadId id : off) mask.set(id.layer, id.head, true);
  return mask;
}

TEST(KvGroups, AGroupIsOffWithAllItsHeads) {
  const HeadMask mask = mask_of(2, 6, {{0, 0}, {0, 1}, {0, 2}, {1, 3}, {1, 4}});
  EXPECT_EQ(groups_off(mask, 2), mask_of(2, 2, {{0, 0}}));
  EXPECT_EQ(groups_off(mask, 3), mask_of(2, 3, {{0, 0}}));
  EXPECT_EQ(groups_off(mask, 6), mask);
  EXPECT_THROW(groups_off(mask, 4), std::invalid_argument);
  EXPECT_THROW(groups_off(mask, 0), std::invalid_argument);
}

TEST(KvGroups, AGroupIsOffWithTheHeadsThatItHasLeft) {
  const HeadShape shape(2, 6, std::vector<HeadId>{{0, 0}, {0, 5}, {1, 0}, {1, 1}, {1, 2}});
  HeadMask mask(shape);
  for (const HeadId id : {HeadId{0, 1}, {0, 2}, {0, 3}, {1, 3}}) mask.set(id.layer, id.head, true);
  const HeadMask groups = groups_off(mask, 2);
  EXPECT_EQ(groups.shape(), HeadShape(2, 2, std::vector<HeadId>{{1, 0}}));
  EXPECT_TRUE(groups.off(0, 0));
  EXPECT_FALSE(groups.off(0, 1));
  EXPECT_FALSE(groups.off(1, 0));
  EXPECT_FALSE(groups.off(1, 1));
}

TEST(KvGroups, BytesAreKeysAndValues) { EXPECT_EQ(kv_bytes(3, 64), 3 * 64 * 2 * 2); }

TEST(Overlap, IntersectionOverUnion) {
  Overlap overlap;
  EXPECT_EQ(overlap.iou(), std::nullopt);
  overlap.add(mask_of(1, 4, {{0, 0}, {0, 1}}), mask_of(1, 4, {{0, 1}, {0, 2}}));
  EXPECT_EQ(overlap.iou(), 1. / 3);
  overlap.add(mask_of(1, 4, {{0, 3}}), mask_of(1, 4, {{0, 3}}));
  EXPECT_EQ(overlap.iou(), 2. / 4);
  EXPECT_THROW(overlap.add(HeadMask(1, 4), HeadMask(2, 2)), std::invalid_argument);
}

TEST(AttentionMass, EvenEntropyIsTheMeanOfLogarithms) {
  double sum = 0;
  for (int t = 1; t <= 50; ++t) sum += std::log(t);
  EXPECT_NEAR(even_entropy(50), sum / 50, 1e-12);
  EXPECT_EQ(even_entropy(1), 0);
  EXPECT_EQ(even_entropy(0), 0);
}

TEST(AttentionMass, Places) {
  EXPECT_EQ(mass_place(0.9, 0.3, 4), MassPlace::first_token);
  EXPECT_EQ(mass_place(0.5, 3.9, 4), MassPlace::first_token);
  EXPECT_EQ(mass_place(0.1, 0.8, 4), MassPlace::few_tokens);
  EXPECT_EQ(mass_place(0.02, 3.5, 4), MassPlace::many_tokens);
  EXPECT_EQ(name_of(MassPlace::few_tokens), "few other tokens");
}

}  // namespace
}  // namespace idleheads
