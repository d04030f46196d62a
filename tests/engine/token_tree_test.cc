#include "engine/token_tree.h"

#include <gtest/gtest.h>

#include <set>

#include "engine/engine_fixture.h"
#include "engine/row_batch.h"

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
    const TokenTree tree = build_token_tree(samples, std::vector<int64_t>(samples.size()));
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
      for (int32_t i = tree.leaf[s]; i >= 0; i = tree.segments[static_cast<size_t>(i)].parent) {
        const Segment& segment = tree.segments[static_cast<size_t>(i)];
        const auto& tokens = samples[static_cast<size_t>(segment.sample)].tokens;
        spelled.insert(spelled.begin(), tokens.begin() + segment.begin, tokens.begin() + segment.end);
      }
      EXPECT_EQ(spelled, samples[s].tokens);
    }
  }
}

TEST(RowBatch, BranchesOnlyWhereMasksDiffer) {
  std::vector<Sample> samples = {test::make_sample({1, 2, 3}, 0), test::make_sample({1, 2, 4, 5}, 1)};
  ThreadPool pool(1);
  RowBatch batch(build_token_tree(samples, std::vector<int64_t>(2)), all_paths(2, 2));
  EXPECT_EQ(batch.rows(), 5);
  EXPECT_EQ(batch.rows_unshared(), 14);
  // Paths: sample 0 under both, sample 1 under both. Only sample 1 under the second differs.
  const std::vector<uint8_t> same = {0, 0, 0, 0, 0, 0, 0, 0}, last = {0, 0, 0, 0, 0, 0, 1, 0};
  EXPECT_EQ(batch.branch(same, 2, pool).rows.size(), 5u);
  const Branching branching = batch.branch(last, 2, pool);
  EXPECT_EQ(branching.rows.size(), 5u + 4u);
  EXPECT_EQ(branching.masks.size(), 2);
  batch.advance(branching);
  EXPECT_EQ(batch.rows(), 9);
  // Both histories of sample 1 read the same tokens from different rows.
  EXPECT_NE(batch.row_of(batch.paths()[2], 0), batch.row_of(batch.paths()[3], 0));
  EXPECT_EQ(batch.row_of(batch.paths()[0], 1), batch.row_of(batch.paths()[2], 1));
}

// Any list of pairs, in any order; only their rows branch.
TEST(RowBatch, RunsAListOfPairs) {
  std::vector<Sample> samples = {test::make_sample({1, 2, 3}, 0), test::make_sample({1, 2, 4, 5}, 1)};
  const std::vector<PathSpec> paths = {{1, 7}, {0, 2}, {1, 0}};
  ThreadPool pool(1);
  for (const bool sharing : {true, false}) {
    const std::vector<int64_t> usual(2);
    const RowBatch batch = sharing ? RowBatch(build_token_tree(samples, usual), paths)
                                   : RowBatch::separate(separate_paths(samples, usual, paths), paths);
    ASSERT_EQ(batch.paths().size(), 3u);
    EXPECT_EQ(batch.paths()[0].intervention, 7);
    EXPECT_EQ(batch.rows(), sharing ? 5 : 11);
    EXPECT_EQ(batch.rows_unshared(), 11);
    const Branching branching = batch.branch(std::vector<uint8_t>{0, 1, 2}, 1, pool);
    EXPECT_EQ(branching.rows.size(), 11u);
  }
}

// Samples that turn otherwise have no row in common, be their tokens the same.
TEST(TokenTree, DifferentRopesShareNothing) {
  const std::vector<Sample> samples = {test::make_sample({1, 2, 3}, 0), test::make_sample({1, 2, 3, 4}, 1),
                                       test::make_sample({1, 2, 3, 5}, 2)};
  const auto rows = [&](const std::vector<int64_t>& rope_lengths) {
    return RowBatch(build_token_tree(samples, rope_lengths), all_paths(3, 1)).rows();
  };
  EXPECT_EQ(rows({0, 0, 0}), 5);
  EXPECT_EQ(rows({0, 17, 17}), 3 + 5);
  EXPECT_EQ(rows({0, 17, 18}), 3 + 4 + 4);
}

}  // namespace
}  // namespace idleheads
