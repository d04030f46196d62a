#include "idleheads/analysis/confidence_sequence.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <functional>
#include <nlohmann/json.hpp>
#include <numeric>
#include <random>
#include <stdexcept>
#include <vector>

#include "analysis/simulated_study.h"

namespace idleheads {
namespace {

using nlohmann::json;

// Blocks of `block` documents, the last of which may have fewer.
std::vector<BlockLoss> blocks_of(const json& row) {
  std::vector<BlockLoss> out(row.at("blocks").get<size_t>(), {row.at("block"), 0});
  const json& sums = row.at("sums");
  for (size_t i = 0; i < sums.size(); ++i) out[i].loss = sums[i];
  // Which of the shuffled blocks is short is not known; a later one has no part in what is compared.
  out.back().documents -=
      row.at("block").get<int64_t>() * row.at("blocks").get<int64_t>() - row.at("documents").get<int64_t>();
  return out;
}

TEST(LossTest, AgreesWithTheReference) {
  std::ifstream file(IDLEHEADS_TEST_DATA "/decide/reference.json");
  const json rows = json::parse(file);
  EXPECT_EQ(rows.size(), 13u);
  for (const json& row : rows) {
    SCOPED_TRACE(row.at("name"));
    const std::vector<BlockLoss> blocks = blocks_of(row);
    const BlockPopulation population = {row.at("documents"), row.at("blocks"), row.at("block")};
    const double total = row.at("tolerance").get<double>() * row.at("documents").get<double>();
    const double enough = 1 / row.at("alpha").get<double>();
    LossTest above(population, total, LossSide::above), below(population, total, LossSide::below);
    size_t used = 0;
    while (used < blocks.size() && above.evidence() < enough && below.evidence() < enough) {
      above.add_round(std::span(&blocks[used], 1));
      below.add_round(std::span(&blocks[used], 1));
      ++used;
    }
    EXPECT_EQ(used, row.at("used").get<size_t>());
    EXPECT_EQ(above.evidence() >= enough ? "fails" : "holds", row.at("verdict").get<std::string>());
  }
}

// All orders of a small population, each as likely: what the capital is expected to be after each round.
using Order = std::vector<size_t>;

std::vector<Order> permutations(const Order& blocks) {
  Order order = blocks;
  std::sort(order.begin(), order.end());
  std::vector<Order> out;
  do out.push_back(order);
  while (std::next_permutation(order.begin(), order.end()));
  return out;
}

// One block of each stratum a round, strata side by side.
std::vector<Order> stratified_orders(const std::vector<Order>& strata) {
  std::vector<Order> out = {{}};
  for (const Order& stratum : strata) {
    std::vector<Order> longer;
    for (const Order& before : out) {
      for (const Order& order : permutations(stratum)) {
        longer.push_back(before);
        longer.back().insert(longer.back().end(), order.begin(), order.end());
      }
    }
    out = longer;
  }
  const size_t rounds = strata[0].size();
  for (Order& order : out) {
    Order by_round;
    for (size_t round = 0; round < rounds; ++round)
      for (size_t s = 0; s < strata.size(); ++s) by_round.push_back(order[s * rounds + round]);
    order = by_round;
  }
  return out;
}

std::vector<double> expected_capital(const std::vector<BlockLoss>& blocks, const std::vector<Order>& orders,
                                     size_t per_round, double total, LossSide side) {
  BlockPopulation population = {0, static_cast<int64_t>(blocks.size()), 0};
  for (const BlockLoss& block : blocks) {
    population.documents += block.documents;
    population.block_documents = std::max(population.block_documents, block.documents);
  }
  std::vector<double> expected(blocks.size() / per_round, 0.);
  for (const Order& order : orders) {
    LossTest test(population, total, side);
    for (size_t round = 0; round < expected.size(); ++round) {
      std::vector<BlockLoss> drawn;
      for (size_t i = 0; i < per_round; ++i) drawn.push_back(blocks[order[round * per_round + i]]);
      test.add_round(drawn);
      expected[round] += test.capital() / static_cast<double>(orders.size());
    }
  }
  return expected;
}

double total_of(const std::vector<BlockLoss>& blocks) {
  return std::accumulate(blocks.begin(), blocks.end(), 0.,
                         [](double sum, const BlockLoss& b) { return sum + static_cast<double>(b.loss); });
}

const std::vector<std::vector<BlockLoss>> kPopulations = {
    {{1, 1}, {1, 1}, {1, 1}, {1, -1}, {1, -1}, {1, -1}},    // strata at their extremes
    {{1, 1}, {1, 0}, {1, -1}, {1, 1}, {1, 0}, {1, 0}},      //
    {{4, 4}, {3, -3}, {4, 0}, {4, 1}, {1, 1}, {2, -1}},     // of unequal sizes
    {{2, 0}, {2, 0}, {2, 0}, {2, 0}, {2, 0}, {2, 0}},       //
    {{2, 2}, {2, 2}, {2, 2}, {2, 2}, {2, 2}, {2, 1}},       // everything lost but one
    {{1, -1}, {1, -1}, {1, -1}, {1, -1}, {1, 1}, {1, -1}},  //
};

TEST(LossTest, CapitalOfOneBlockARoundIsAMartingale) {
  for (const std::vector<BlockLoss>& blocks : kPopulations) {
    const std::vector<Order> orders = permutations({0, 1, 2, 3, 4, 5});
    for (const LossSide side : {LossSide::above, LossSide::below}) {
      for (const double capital : expected_capital(blocks, orders, 1, total_of(blocks), side))
        EXPECT_NEAR(capital, 1, 1e-9);
    }
  }
}

TEST(LossTest, CapitalOfLargerRoundsIsNotExpectedToGrow) {
  double smallest = 1;
  for (const std::vector<BlockLoss>& blocks : kPopulations) {
    for (const LossSide side : {LossSide::above, LossSide::below}) {
      const double total = total_of(blocks);
      std::vector<std::vector<double>> expected;
      for (const size_t per_round : {2u, 3u})
        expected.push_back(
            expected_capital(blocks, permutations({0, 1, 2, 3, 4, 5}), per_round, total, side));
      expected.push_back(expected_capital(blocks, stratified_orders({{0, 1, 2}, {3, 4, 5}}), 2, total, side));
      expected.push_back(
          expected_capital(blocks, stratified_orders({{0, 1}, {2, 3}, {4, 5}}), 3, total, side));
      for (const std::vector<double>& capitals : expected) {
        double before = 1;
        for (const double capital : capitals) {
          EXPECT_LE(capital, before + 1e-9);
          before = capital;
        }
        smallest = std::min(smallest, before);
      }
    }
  }
  EXPECT_LT(smallest, 0.9) << "some of them are expected to shrink";
}

// What rounds have to be: with strata of unequal size, or in a fixed order, capital is expected to grow.
TEST(LossTest, CapitalGrowsInOrdersThatAreNotRounds) {
  const std::vector<BlockLoss>& blocks = kPopulations[0];
  std::vector<Order> one_after_the_other;
  for (const Order& first : permutations({0, 1, 2}))
    for (const Order& second : permutations({3, 4, 5})) {
      one_after_the_other.push_back(first);
      one_after_the_other.back().insert(one_after_the_other.back().end(), second.begin(), second.end());
    }
  EXPECT_GT(expected_capital(blocks, one_after_the_other, 1, 0, LossSide::above)[2], 1.5);
}

TEST(LossTest, AgainstASmallerLossThanTheHypothesisCapitalShrinks) {
  const std::vector<BlockLoss>& blocks = kPopulations[1];
  const std::vector<Order> orders = permutations({0, 1, 2, 3, 4, 5});
  double before = 1;
  for (const double capital : expected_capital(blocks, orders, 1, total_of(blocks) + 1, LossSide::above)) {
    EXPECT_LT(capital, before);
    before = capital;
  }
  EXPECT_GT(expected_capital(blocks, orders, 1, total_of(blocks) - 1, LossSide::above)[2], 1);
}

// A population with some blocks of fewer documents, in rounds of a stratified order.
struct Population {
  BlockOrder order;
  Losses losses;
};

Population population_of(uint64_t seed, int64_t documents, int64_t lost, int64_t won) {
  std::vector<int> subjects;
  for (int64_t i = 0; i < documents; ++i)
    subjects.push_back(i < documents / 3 ? 0 : i < documents / 2 ? 1 : 2);
  Population out = {block_order(subjects, {3, 30, seed, 0}), sorted_losses(documents, lost, won)};
  std::mt19937_64 random(seed);
  if (seed % 2 == 1) shuffle(out.losses, random);  // else the first subject has all losses
  return out;
}

TEST(ConfidenceSequence, NarrowsToTheMeanItself) {
  for (const auto& [lost, won] :
       std::vector<std::pair<int64_t, int64_t>>{{30, 10}, {0, 0}, {0, 200}, {100, 100}}) {
    for (uint64_t seed = 0; seed < 4; ++seed) {
      const Population population = population_of(seed, 200, lost, won);
      const double mean = static_cast<double>(lost - won) / 200;
      ConfidenceSequence sequence(population.order.population);
      Interval before = sequence.bounds(0.01);
      EXPECT_EQ(before.low, -1);
      EXPECT_EQ(before.high, 1);
      for (size_t round = 0; round < population.order.round_ends.size(); ++round) {
        EXPECT_FALSE(sequence.exhausted());
        sequence.add_round(round_of(population.order, round, population.losses));
        const Interval now = sequence.bounds(0.01);
        EXPECT_GE(now.low, before.low);
        EXPECT_LE(now.high, before.high);
        EXPECT_LE(now.low, mean);
        EXPECT_GE(now.high, mean);
        EXPECT_LE(sequence.bounds(0.001).low, now.low);
        before = now;
      }
      EXPECT_TRUE(sequence.exhausted());
      EXPECT_EQ(before.low, mean);
      EXPECT_EQ(before.high, mean);
      EXPECT_EQ(sequence.estimate(), mean);
    }
  }
}

// Bounds are wrong where a test of the true loss is, so that is what is counted over all rounds.
TEST(ConfidenceSequence, CoversTheMeanAtAllTimes) {
  constexpr int kRepeats = 1500;
  int wrong = 0;
  for (const auto& [lost, won] :
       std::vector<std::pair<int64_t, int64_t>>{{20, 16}, {60, 0}, {1, 0}, {3, 90}}) {
    int too_high = 0, too_low = 0;
    for (uint64_t seed = 0; seed < kRepeats; ++seed) {
      const Population population = population_of(seed, 240, lost, won);
      const auto total = static_cast<double>(lost - won);
      LossTest above(population.order.population, total, LossSide::above);
      LossTest below(population.order.population, total, LossSide::below);
      for (size_t round = 0; round < population.order.round_ends.size(); ++round) {
        const std::vector<BlockLoss> blocks = round_of(population.order, round, population.losses);
        above.add_round(blocks);
        below.add_round(blocks);
      }
      too_high += above.evidence() >= 1 / 0.1;
      too_low += below.evidence() >= 1 / 0.1;
    }
    EXPECT_LE(too_high, 0.1 * kRepeats) << lost << " lost";
    EXPECT_LE(too_low, 0.1 * kRepeats) << lost << " lost";
    wrong += too_high + too_low;
  }
  EXPECT_GT(wrong, 0.02 * kRepeats) << "bounds that are never wrong are too wide";
}

TEST(ConfidenceSequence, BoundsAreTheOutermostLossesNotRefuted) {
  const Population population = population_of(3, 150, 30, 12);
  ConfidenceSequence sequence(population.order.population);
  const auto refuted = [&](int64_t total, LossSide side) {
    LossTest test(population.order.population, static_cast<double>(total), side);
    for (size_t round = 0; round < 10; ++round)
      test.add_round(round_of(population.order, round, population.losses));
    return test.evidence() >= 1 / 0.2;
  };
  for (size_t round = 0; round < 10; ++round)
    sequence.add_round(round_of(population.order, round, population.losses));
  const Interval bounds = sequence.bounds(0.2);
  for (int64_t total = -150; total <= 150; ++total) {
    EXPECT_EQ(refuted(total, LossSide::above), total < std::lround(bounds.low * 150)) << total;
    EXPECT_EQ(refuted(total, LossSide::below), total > std::lround(bounds.high * 150)) << total;
  }
}

TEST(ConfidenceSequence, RefusesWhatIsNoPopulation) {
  EXPECT_THROW(ConfidenceSequence({0, 0, 0}), std::invalid_argument);
  EXPECT_THROW(ConfidenceSequence({10, 4, 2}), std::invalid_argument) << "blocks too small";
  EXPECT_THROW(ConfidenceSequence({10, 11, 2}), std::invalid_argument) << "more blocks than documents";
  ConfidenceSequence sequence({5, 3, 2});
  const auto add = [&](std::vector<BlockLoss> blocks) { sequence.add_round(blocks); };
  EXPECT_THROW(add({}), std::invalid_argument);
  EXPECT_THROW(add({{3, 0}}), std::invalid_argument) << "larger than any";
  EXPECT_THROW(add({{2, -3}}), std::invalid_argument) << "more won than it has";
  EXPECT_THROW(add({{1, 0}, {1, 0}}), std::invalid_argument) << "three documents left for one block";
  add({{2, 1}, {2, 0}});
  EXPECT_THROW(add({{1, 0}, {1, 0}}), std::invalid_argument) << "one block left";
  EXPECT_EQ(sequence.documents(), 4);
  EXPECT_THROW(sequence.bounds(0), std::invalid_argument);
  EXPECT_THROW(sequence.bounds(1), std::invalid_argument);
}

}  // namespace
}  // namespace idleheads
