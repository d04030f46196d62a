#include "idleheads/analysis/answer_change.h"

#include <gtest/gtest.h>

#include <cmath>
#include <stdexcept>
#include <vector>

namespace idleheads {
namespace {

TEST(AnswerChange, HandComputed) {
  // Shares 3/4 and 1/4 become 1/2 and 1/2.
  const std::vector<float> all_on = {std::log(3.f) - 2, -2}, off = {-5, -5};
  const AnswerChange change = answer_change(all_on, off, 0);
  EXPECT_NEAR(change.log_likelihood, -5 - (std::log(3.) - 2), 1e-6);
  EXPECT_NEAR(change.probability, -0.25, 1e-6);
  EXPECT_NEAR(change.kl, 0.75 * std::log(1.5) + 0.25 * std::log(0.5), 1e-6);
  EXPECT_NEAR(answer_change(all_on, off, 1).probability, 0.25, 1e-6);
}

TEST(AnswerChange, NothingChangesNothing) {
  const std::vector<float> same = {-700, -1, -90};
  const AnswerChange change = answer_change(same, same, 2);
  EXPECT_EQ(change.log_likelihood, 0);
  EXPECT_EQ(change.probability, 0);
  EXPECT_EQ(change.kl, 0);
}

TEST(AnswerChange, RefusesWhatDoesNotFit) {
  const std::vector<float> two = {-1, -2}, three = {-1, -2, -3};
  EXPECT_THROW(answer_change(two, three, 0), std::invalid_argument);
  EXPECT_THROW(answer_change(two, two, 2), std::invalid_argument);
  EXPECT_THROW(answer_change({}, {}, 0), std::invalid_argument);
}

TEST(ChangeSpread, MeanIntervalAndPercentiles) {
  std::vector<double> values;
  for (int i = 100; i >= 0; --i) values.push_back(i);
  const ChangeSpread spread = spread_of_changes(values);
  EXPECT_DOUBLE_EQ(spread.mean, 50);
  EXPECT_DOUBLE_EQ(spread.low, 5);
  EXPECT_DOUBLE_EQ(spread.median, 50);
  EXPECT_DOUBLE_EQ(spread.high, 95);
  EXPECT_NEAR(spread.error, std::sqrt(8585.0 / 10 / 101), 1e-9);
  EXPECT_NEAR(spread.interval->high - 50, 1.98397 * spread.error, 1e-3);
  EXPECT_TRUE(std::isinf(spread_of_changes({1}).error));
  EXPECT_FALSE(spread_of_changes({1}).interval.has_value());
  EXPECT_THROW(spread_of_changes({}), std::invalid_argument);
}

}  // namespace
}  // namespace idleheads
