#include "analysis/rank.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <stdexcept>
#include <vector>

#include "analysis/models.h"

namespace idleheads {
namespace {

constexpr double kNoNumber = std::numeric_limits<double>::quiet_NaN();

TEST(Ranks, EqualNumbersShareTheMean) {
  EXPECT_EQ(ranks(std::vector<double>{30, 10, 20}), (std::vector<double>{3, 1, 2}));
  EXPECT_EQ(ranks(std::vector<double>{5, 1, 5, 5}), (std::vector<double>{3, 1, 3, 3}));
  EXPECT_TRUE(ranks({}).empty());
}

TEST(Spearman, IsPearsonsOverRanks) {
  const std::vector<double> a = {1, 2, 3, 4, 5};
  EXPECT_EQ(spearman(a, std::vector<double>{10, 20, 25, 400, 1000}), 1);
  EXPECT_EQ(spearman(a, std::vector<double>{5, 4, 3, 2, 1}), -1);
  // scipy.stats.spearmanr([1, 2, 3, 4, 5], [5, 6, 7, 8, 7]) = 0.8207826816681233
  EXPECT_NEAR(spearman(a, std::vector<double>{5, 6, 7, 8, 7}).value(), 0.8207826816681233, 1e-15);
}

TEST(Spearman, NeedsTwoPairsThatDiffer) {
  EXPECT_EQ(spearman({}, {}), std::nullopt);
  EXPECT_EQ(spearman(std::vector<double>{1, 2}, std::vector<double>{3, 3}), std::nullopt);
  EXPECT_EQ(spearman(std::vector<double>{1, kNoNumber, 2}, std::vector<double>{1, 2, kNoNumber}),
            std::nullopt);
  EXPECT_EQ(spearman(std::vector<double>{1, kNoNumber, 2}, std::vector<double>{1, 0, 2}), 1);
  EXPECT_THROW(spearman(std::vector<double>{1}, {}), std::invalid_argument);
}

TEST(TopIou, CountsCommonNames) {
  const ScoreValues a = {{"a", 5}, {"b", 4}, {"c", 3}, {"d", 2}};
  EXPECT_EQ(top_iou(a, a, 2), 1);
  EXPECT_EQ(top_iou(a, {{"a", 1}, {"b", 0}, {"x", 9}}, 2), 1. / 3);
  EXPECT_EQ(top_iou(a, {{"x", 1}}, 2), 0);
  EXPECT_EQ(top_iou({}, {}, 5), std::nullopt);
  EXPECT_EQ(top_iou({{"a", kNoNumber}, {"b", 1}}, {{"b", 1}}, 5), 1) << "what is no number is left out";
}

TEST(Table2, ModelsWithoutAShareHaveNoRowOfIt) {
  ModelCurves model = {
      "m", 50, {{"awft", {{0, 50}, {10, 40}}}, {"ahon", {{5, 20}}}, {"random", {{0, 50}, {30, 50}}}}};
  Table2Row row = table2_row(model);
  EXPECT_EQ(row.awft_percent, 1);
  EXPECT_EQ(row.best_other_percent, std::nullopt);
  EXPECT_EQ(row.difference, std::nullopt);
  EXPECT_EQ(row.best_score, "awft") << "random is no candidate";
  EXPECT_EQ(mean_row({row, Table2Row()}).awft_percent, 1);
  EXPECT_EQ(mean_row({}).awft_percent, std::nullopt);
  EXPECT_EQ(paper_baseline(model.curves), 50);
  EXPECT_EQ(paper_baseline({}), std::nullopt);
}

}  // namespace
}  // namespace idleheads
