#include "idleheads/analysis/block_order.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <stdexcept>
#include <vector>

#include "analysis/simulated_study.h"

namespace idleheads {
namespace {

using testing::ElementsAre;
using testing::ElementsAreArray;

std::vector<int> subjects_of(const std::vector<int64_t>& sizes) {
  std::vector<int> out;
  for (size_t s = 0; s < sizes.size(); ++s)
    out.insert(out.end(), static_cast<size_t>(sizes[s]), static_cast<int>(s));
  return out;
}

TEST(BlockOrder, EveryDocumentOnceInBlocksOfOneSubject) {
  for (const int64_t block : {1, 3, 8, 100}) {
    const std::vector<int> subjects = subjects_of({40, 1, 9, 27, 16});
    const BlockOrder order = block_order(subjects, {block, 7, 5, 0});
    std::set<int64_t> seen;
    std::map<int, std::set<size_t>> sizes;
    for (const std::vector<int64_t>& documents : order.blocks) {
      std::set<int> of_block;
      for (const int64_t document : documents) {
        EXPECT_TRUE(seen.insert(document).second);
        of_block.insert(subjects[static_cast<size_t>(document)]);
      }
      ASSERT_EQ(of_block.size(), 1u);
      sizes[*of_block.begin()].insert(documents.size());
      EXPECT_LE(documents.size(), static_cast<size_t>(block));
      EXPECT_TRUE(std::is_sorted(documents.begin(), documents.end()));
    }
    EXPECT_EQ(seen.size(), subjects.size());
    for (const auto& [subject, of_subject] : sizes)
      EXPECT_LE(*of_subject.rbegin() - *of_subject.begin(), 1u) << subject;
    EXPECT_EQ(order.population.documents, 93);
    EXPECT_EQ(order.population.blocks, static_cast<int64_t>(order.blocks.size()));
    EXPECT_EQ(order.population.block_documents, std::min<int64_t>(block, 40));
  }
}

TEST(BlockOrder, RoundsAreOfOneSizeAfterTheLeftovers) {
  const BlockOrder order = block_order(subjects_of({10, 13}), {1, 5, 1, 0});  // 23 blocks, 4 a round
  EXPECT_THAT(order.round_ends, ElementsAre(3, 7, 11, 15, 19, 23));
  EXPECT_THAT(block_order(subjects_of({10, 10}), {1, 5, 1, 0}).round_ends, ElementsAre(4, 8, 12, 16, 20));
  EXPECT_THAT(block_order(subjects_of({3}), {1, 100, 1, 0}).round_ends, ElementsAre(1, 2, 3));
  EXPECT_THAT(block_order(subjects_of({3}), {8, 100, 1, 0}).round_ends, ElementsAre(1));
}

// After every round each of MMLU's subjects has given its share, up to one or two documents at the borders of
// strata; in a simple random order the largest would be off by tens.
TEST(BlockOrder, SubjectsComeInProportion) {
  const std::vector<int> subjects = mmlu_subjects(IDLEHEADS_TEST_DATA);
  ASSERT_EQ(subjects.size(), 14042u);
  std::vector<double> sizes(57, 0.);
  for (const int subject : subjects) sizes[static_cast<size_t>(subject)] += 1;
  const BlockOrder order = block_order(subjects, {});
  EXPECT_EQ(order.round_ends.size(), 101u);
  std::vector<double> asked(57, 0.);
  double furthest = 0;
  size_t block = 0;
  for (const size_t end : order.round_ends) {
    for (; block < end; ++block)
      for (const int64_t document : order.blocks[block])
        asked[static_cast<size_t>(subjects[static_cast<size_t>(document)])] += 1;
    for (size_t s = 0; s < 57; ++s) {
      const double share = static_cast<double>(end) / static_cast<double>(order.blocks.size());
      furthest = std::max(furthest, std::abs(asked[s] - share * sizes[s]));
    }
  }
  EXPECT_LT(furthest, 15);
  EXPECT_GE(*std::min_element(asked.begin(), asked.end()), 100);
}

TEST(BlockOrder, SeedAndGenerationDecideEverything) {
  const std::vector<int> subjects = subjects_of({30, 30});
  const auto blocks = [&](uint64_t seed, uint32_t generation) {
    return block_order(subjects, {4, 3, seed, generation}).blocks;
  };
  EXPECT_EQ(blocks(7, 0), blocks(7, 0));
  EXPECT_NE(blocks(7, 0), blocks(8, 0));
  EXPECT_NE(blocks(7, 0), blocks(7, 1));
  EXPECT_NE(blocks(7, 0), blocks(7 + (uint64_t{1} << 32), 0));
}

// The numbers never change: studies are resumed by them.
TEST(BlockOrder, IsTheSameOnEveryPlatform) {
  const BlockOrder order = block_order(subjects_of({7, 4}), {2, 3, 1234, 0});
  EXPECT_THAT(order.round_ends, ElementsAre(2, 4, 6));
  EXPECT_EQ(order.blocks, (std::vector<std::vector<int64_t>>{{4, 5}, {7, 8}, {1}, {0, 6}, {2, 3}, {9, 10}}));
}

// Each document is as likely to be in each round as its size says, and strata do not depend on each other.
TEST(BlockOrder, DrawsAreUniformAndIndependent) {
  constexpr int kRepeats = 4000;
  const std::vector<int> subjects = subjects_of({5, 6});  // 11 blocks: 1 left over, 2 strata of 5
  std::vector<double> left_over(11, 0.), in_second_round(11, 0.);
  double together = 0;
  for (uint64_t seed = 0; seed < kRepeats; ++seed) {
    const BlockOrder order = block_order(subjects, {1, 5, seed, 0});
    ASSERT_EQ(order.round_ends[1], 3u);
    left_over[static_cast<size_t>(order.blocks[0][0])] += 1. / kRepeats;
    const std::set<int64_t> round = {order.blocks[1][0], order.blocks[2][0]};
    for (const int64_t document : round) in_second_round[static_cast<size_t>(document)] += 1. / kRepeats;
    together += round == std::set<int64_t>{0, 10} ? 1. / kRepeats : 0;
  }
  for (size_t i = 0; i < 11; ++i) {
    EXPECT_NEAR(left_over[i], 1. / 11, 0.02) << i;  // four standard errors
    EXPECT_NEAR(in_second_round[i], 2. / 11, 0.025) << i;
  }
  EXPECT_NEAR(together, 9. / 11 / 25, 0.012);
}

TEST(BlockOrder, OneBlockARoundIsASimpleRandomOrder) {
  constexpr int kRepeats = 4800;
  std::map<std::vector<std::vector<int64_t>>, int> counts;
  for (uint64_t seed = 0; seed < kRepeats; ++seed)
    ++counts[block_order(subjects_of({2, 2}), {1, 4, seed, 0}).blocks];
  EXPECT_EQ(counts.size(), 24u);
  for (const auto& [order, count] : counts) EXPECT_NEAR(count, 200, 57);
}

TEST(BlockOrder, RefusesWhatHasNoOrder) {
  EXPECT_THROW(block_order({}, {}), std::invalid_argument);
  EXPECT_THROW(block_order(subjects_of({2}), {0, 10, 1, 0}), std::invalid_argument);
  EXPECT_THROW(block_order(subjects_of({2}), {1, 0, 1, 0}), std::invalid_argument);
}

}  // namespace
}  // namespace idleheads
