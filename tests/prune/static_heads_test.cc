#include "prune/static_heads.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace idleheads {
namespace {

// Two layers of four heads, of which each was off in so many of ten passes.
HeadFrequency frequency() {
  HeadFrequency out;
  out.layers = 2;
  out.heads = 4;
  out.passes = 10;
  out.shape = HeadShape(2, 4);
  out.off = {10, 9, 0, 5, 10, 10, 10, 4};
  return out;
}

TEST(StaticHeads, ByHowOftenTheyWereOff) {
  EXPECT_EQ(static_heads(frequency(), 1).heads, (std::vector<HeadId>{{0, 0}, {1, 0}, {1, 1}, {1, 2}}));
  EXPECT_EQ(static_heads(frequency(), 0.9).heads,
            (std::vector<HeadId>{{0, 0}, {0, 1}, {1, 0}, {1, 1}, {1, 2}}));
  EXPECT_EQ(static_heads(frequency(), 0.01).heads.size(), 7u);
}

TEST(StaticHeads, WholeGroups) {
  EXPECT_EQ(static_heads(frequency(), 1, 2).heads, (std::vector<HeadId>{{1, 0}, {1, 1}}));
  EXPECT_EQ(static_heads(frequency(), 0.9, 2).heads, (std::vector<HeadId>{{0, 0}, {0, 1}, {1, 0}, {1, 1}}));
  EXPECT_EQ(static_heads(frequency(), 0.4, 1).heads.size(), 4u) << "layer 1, which has one group";
  EXPECT_EQ(static_heads(frequency(), 1, 4), static_heads(frequency(), 1));
}

// Llama-3.1-8B: a KV group of 4 query heads is 5.24 million parameters, and 512 bytes of the cache a token.
TEST(MaskPrice, OfAGroupOfLlama) {
  const ModelSizes llama = {.layers = 32,
                            .heads = 32,
                            .kv_heads = 8,
                            .head_dim = 128,
                            .hidden = 4096,
                            .parameters = 8'030'261'248,
                            .active_parameters = 7'504'658'432};
  HeadMask mask(32, 32);
  for (int h = 4; h < 8; ++h) mask.set(9, h, true);
  MaskPrice price = price_of(mask, llama, 4096);
  EXPECT_EQ(price.heads, 4);
  EXPECT_EQ(price.groups, 1);
  EXPECT_EQ(price.parameters, 5'242'880);
  EXPECT_EQ(price.kv_bytes, 512);
  // 2 x 5.24 million of the weights, 4 x 4 x 128 x 4096 of the cache; of 2 x 7.50 billion and 256 times that.
  EXPECT_NEAR(price.flops, (10'485'760 + 8'388'608) / (15'009'316'864 + 256 * 8'388'608.), 1e-9);
  mask.set(9, 4, false);
  price = price_of(mask, llama, 4096);
  EXPECT_EQ(price.groups, 0) << "a head is left that reads the cache";
  EXPECT_EQ(price.parameters, 3 * 2 * 128 * 4096);
  EXPECT_EQ(price.kv_bytes, 0);
}

TEST(MaskPrice, NeedsTheSizes) {
  Settings settings = {{"model.layers", "2"},
                       {"model.heads", "4"},
                       {"model.kv_heads", "2"},
                       {"info.head_dim", "8"},
                       {"info.hidden", "32"},
                       {"info.parameters", "1000"},
                       {"info.active_parameters", "900"}};
  ASSERT_TRUE(sizes_of(settings));
  EXPECT_EQ(sizes_of(settings)->active_parameters, 900);
  for (const char* name : {"model.kv_heads", "info.hidden", "info.active_parameters"}) {
    Settings fewer = settings;
    fewer.erase(name);
    EXPECT_FALSE(sizes_of(fewer)) << name;
    fewer[name] = "3x";
    EXPECT_FALSE(sizes_of(fewer)) << name;
  }
  settings["model.kv_heads"] = "3";
  EXPECT_FALSE(sizes_of(settings));
}

}  // namespace
}  // namespace idleheads
