#include "engine/token_tree.h"

#include <gtest/gtest.h>

#include <set>

#include "engine/cohort.h"
#include "engine/engine_fixture.h"

namespace idleheads {
namespace {

// Number of distinct non-empty prefixes: the nodes of the trie, which no sharing can beat.
size_t distinct_prefixes(const std::vector<Sample>& samples) {
  std::set<std::vector<int32_t>> prefixes;
  for (const Sample& sample : samples) {
    for (size_t n = 1; n <= sample.tokens.size(); ++n) {
      prefixes.insert({sample.tokens.begin(), sample.tokens.begin() + static_cast<int64_t>(n)});
    }
  }
  return prefixes.size();
}

TEST(TokenTree, ChainsSpellTheSamplesAndNothingIsTwice) {
  std::mt19937 random(1);
  for (int round = 0; round < 200; ++round) {
    // A small vocabulary makes many accidental prefixes.
    const std::vector<Sample> samples = test::random_tree(random, 1 + random() % 20, 2 + round % 5);
    const TokenTree tree = build_token_tree(samples);
    size_t rows = 0;
    for (size_t i = 0; i < tree.segments.size(); ++i) {
      const Segment& segment = tree.segments[i];
      EXPECT_LT(segment.parent, static_cast<int32_t>(i));
      EXPECT_GT(segment.length(), 0);
      const int64_t begin = segment.parent < 0 ? 0 : tree.segments[static_cast<size_t>(segment.parent)].end;
      EXPECT_EQ(segment.begin, begin);
      rows += static_cast<size_t>(segment.length());
    }
    EXPECT_EQ(rows, distinct_prefixes(samples));
    for (size_t s = 0; s < samples.size(); ++s) {
      std::vector<int32_t> spelled;
      for (const int32_t i : tree.chain(tree.leaf[s])) {
        const Segment& segment = tree.segments[static_cast<size_t>(i)];
        const auto& tokens = samples[static_cast<size_t>(segment.sample)].tokens;
        spelled.insert(spelled.end(), tokens.begin() + segment.begin, tokens.begin() + segment.end);
      }
      EXPECT_EQ(spelled, samples[s].tokens);
    }
  }
}

TEST(Cohort, BranchesOnlyWhereMasksDiffer) {
  std::vector<Sample> samples = {test::make_sample({1, 2, 3}, 0), test::make_sample({1, 2, 4, 5}, 1)};
  Cohort cohort(samples, 2, true);
  EXPECT_EQ(cohort.rows(), 5);
  EXPECT_EQ(cohort.rows_unshared(), 14);
  // Paths: sample 0 under both, sample 1 under both. Only sample 1 under the second differs.
  const std::vector<uint8_t> none = {0, 0}, one = {1, 0};
  Step same = cohort.branch({none, none, none, none});
  EXPECT_EQ(same.rows.size(), 5u);
  Step step = cohort.branch({none, none, none, one});
  EXPECT_EQ(step.rows.size(), 5u + 4u);
  EXPECT_EQ(step.masks.size(), 2u);
  cohort.advance(step);
  EXPECT_EQ(cohort.rows(), 9);
  // Both histories of sample 1 read the same tokens from different rows.
  EXPECT_NE(cohort.row_of(cohort.paths()[2], 0), cohort.row_of(cohort.paths()[3], 0));
  EXPECT_EQ(cohort.row_of(cohort.paths()[0], 1), cohort.row_of(cohort.paths()[2], 1));
}

}  // namespace
}  // namespace idleheads
