#include "idleheads/heads/score.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "heads/random.h"
#include "idleheads/base/error.h"

namespace idleheads {
namespace {

// Two heads with different numbers everywhere.
const std::vector<HeadStats> kLayer = {HeadStats{0.2f, 1.0f, 3.0f, 4.0f, 5.0f, 10.0f, 7.0f, 0.1f, 0.3f, 4},
                                       HeadStats{0.6f, 3.0f, 1.0f, 2.0f, 9.0f, 30.0f, 21.0f, 0.2f, 0.7f, 0}};

std::vector<float> scores(std::string_view slug, const std::vector<HeadStats>& layer = kLayer) {
  std::vector<float> out(layer.size());
  compute_scores(require_score(slug), layer, 0, {}, out);
  return out;
}

TEST(Scores, EachIsItsFormula) {
  const std::vector<std::tuple<const char*, float, float>> want = {
      {"awft", 0.2f, 0.6f},     {"awft_ln", 0.5f, 1.5f},
      {"aeqd", 1, 3},           {"aeqd_ln", 0.5f, 1.5f},
      {"ftvvn", 3, 1},          {"ftvvn_ln", 1.5f, 0.5f},
      {"avvn", 4, 2},           {"avvn_ln", 4 / 3.0f, 2 / 3.0f},
      {"lthon", 5, 9},          {"lthon_ln", 0.25f, 0.45f},
      {"lthon_hn", 0.5f, 0.3f}, {"ahon", 10, 30},
      {"ahon_ln", 0.5f, 1.5f},  {"afhon", 7, 21},
      {"afhon_ln", 0.5f, 1.5f}, {"sink", 0.1f, 0.2f},
      {"mass", 0.3f, 0.7f}};
  EXPECT_EQ(want.size(), all_scores().size() - 1) << "a formula for each but random";
  for (const auto& [slug, first, second] : want) {
    EXPECT_FLOAT_EQ(scores(slug)[0], first) << slug;
    EXPECT_FLOAT_EQ(scores(slug)[1], second) << slug;
  }
}

TEST(Scores, TableHasFifteenAndTheControl) {
  EXPECT_EQ(paper_scores().size(), 16u);
  std::set<std::string_view> slugs, above;
  for (const Score& score : all_scores()) {
    slugs.insert(score.slug);
    if (score.inactive_above) above.insert(score.slug);
  }
  EXPECT_EQ(slugs.size(), all_scores().size()) << "no name twice";
  EXPECT_EQ(above, (std::set<std::string_view>{"awft", "awft_ln", "sink", "mass"}));
  EXPECT_TRUE(paper_scores().back().is_random);
}

TEST(Scores, EachHasASentenceOfItsOwn) {
  std::set<std::string_view> sentences;
  for (const Score& score : all_scores()) {
    EXPECT_TRUE(score.meaning.ends_with('.')) << score.slug;
    EXPECT_EQ(std::ranges::count(score.meaning, '.'), 1) << score.slug;
    sentences.insert(score.meaning);
  }
  EXPECT_EQ(sentences.size(), all_scores().size());
}

// As if the layer had no more heads; and those that are there are drawn by their names.
TEST(Scores, AbsentHeadsHaveNoneAndAreNoPartOfTheMean) {
  const std::vector<HeadStats> cut = {stats_of_absent(), kLayer[0], stats_of_absent(), kLayer[1]};
  const std::vector<HeadStats> whole = {kLayer[0], kLayer[0], kLayer[1], kLayer[1]};
  for (const Score& score : all_scores()) {
    const std::vector<float> got = scores(score.slug, cut);
    const std::vector<float> want = score.is_random ? scores("random", whole) : scores(score.slug);
    EXPECT_TRUE(std::isnan(got[0]) && std::isnan(got[2])) << score.slug;
    EXPECT_EQ(got[1], want[score.is_random ? 1 : 0]) << score.slug;
    EXPECT_EQ(got[3], want[score.is_random ? 3 : 1]) << score.slug;
  }
  const std::vector<HeadStats> none = {stats_of_absent(), stats_of_absent()};
  for (const Score& score : all_scores()) EXPECT_TRUE(std::isnan(scores(score.slug, none)[1])) << score.slug;
}

// Files of older versions lack three of the numbers.
TEST(Scores, AHeadWithSomeNumbersIsThere) {
  EXPECT_TRUE(is_absent(stats_of_absent()));
  HeadStats older = stats_of_absent();
  older[0] = 0.5f;
  EXPECT_FALSE(is_absent(older));
}

TEST(Scores, ZeroNormaliserIsNaNAndNeverInactive) {
  const std::vector<HeadStats> zeros(2);
  for (const char* slug : {"awft_ln", "aeqd_ln", "lthon_ln", "lthon_hn", "ahon_ln"}) {
    const float value = scores(slug, zeros)[0];
    EXPECT_TRUE(std::isnan(value)) << slug;
    EXPECT_FALSE(is_inactive(require_score(slug), value, -1e30f));
    EXPECT_FALSE(is_inactive(require_score(slug), value, 1e30f));
  }
}

TEST(Scores, ThresholdsAreStrict) {
  EXPECT_FALSE(is_inactive(require_score("awft"), 0.5f, 0.5f));
  EXPECT_TRUE(is_inactive(require_score("awft"), std::nextafter(0.5f, 1.0f), 0.5f));
  EXPECT_FALSE(is_inactive(require_score("ahon"), 0.5f, 0.5f));
  EXPECT_TRUE(is_inactive(require_score("ahon"), std::nextafter(0.5f, 0.0f), 0.5f));
}

TEST(Scores, UnknownNameHasASuggestion) {
  try {
    require_score("ahon_nl");
    FAIL();
  } catch (const UsageError& error) {
    EXPECT_NE(std::string(error.what()).find("did you mean 'ahon_ln'?"), std::string::npos);
  }
}

// Known answers published with Random123 (Salmon et al., SC 2011).
TEST(Random, PhiloxKnownAnswers) {
  using Block = std::array<uint32_t, 4>;
  EXPECT_EQ(philox4x32({0, 0, 0, 0}, {0, 0}), (Block{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
  EXPECT_EQ(philox4x32({~0u, ~0u, ~0u, ~0u}, {~0u, ~0u}),
            (Block{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
  EXPECT_EQ(philox4x32({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}),
            (Block{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}));
}

TEST(Random, UniformAndDependsOnEveryKey) {
  const std::vector<HeadStats> layer(1000);
  const auto draw = [&](int l, RandomKey key) {
    std::vector<float> out(layer.size());
    compute_scores(require_score("random"), layer, l, key, out);
    return out;
  };
  const std::vector<float> base = draw(0, {1, 2});
  double mean = 0;
  for (const float x : base) {
    EXPECT_GT(x, 0);
    EXPECT_LT(x, 1);
    mean += x / 1000;
  }
  EXPECT_NEAR(mean, 0.5, 0.05);  // five standard errors
  EXPECT_EQ(base, draw(0, {1, 2}));
  EXPECT_NE(base, draw(1, {1, 2}));
  EXPECT_NE(base, draw(0, {2, 2}));
  EXPECT_NE(base, draw(0, {1, 3}));
  EXPECT_NE(base, draw(0, {1, 2 + (uint64_t{1} << 32)}));
}

}  // namespace
}  // namespace idleheads
