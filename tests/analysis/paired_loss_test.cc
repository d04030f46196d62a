#include "analysis/paired_loss.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <stdexcept>
#include <vector>

namespace idleheads {
namespace {

// z is the quantile at 0.8 x 5 %.
TEST(LossBound, WithoutChangedAnswersItIsAsForAShare) {
  const double z = 1.7506860712521692;
  for (const int64_t n : {1, 8, 20, 160, 14042}) {
    EXPECT_NEAR(loss_bound(0, 0, n, 0.95), z * z / (static_cast<double>(n) + z * z), 1e-9) << n;
  }
}

// Without won answers the likeliest share of them is 0, and the test is that of a single share.
TEST(LossBound, WithoutWonAnswersItIsWilsons) {
  for (const int64_t lost : {1, 5, 40}) {
    const Interval wilsons = wilson(lost, 160, 1 - 2 * 0.8 * 0.05);
    EXPECT_NEAR(loss_bound(lost, 0, 160, 0.95), wilsons.high, 1e-9) << lost;
  }
}

TEST(LossBound, GrowsWithWhatIsLostAndWithConfidence) {
  double before = -1;
  for (int64_t lost = 0; lost <= 60; ++lost) {
    const double bound = loss_bound(lost, 10, 100, 0.95);
    EXPECT_GT(bound, before);
    EXPECT_GT(bound, static_cast<double>(lost - 10) / 100);
    EXPECT_LT(bound, loss_bound(lost, 10, 100, 0.99));
    before = bound;
  }
  EXPECT_LT(loss_bound(0, 100, 100, 0.95), 0) << "all won";
  EXPECT_NEAR(loss_bound(100, 0, 100, 0.95), 1, 1e-9);
}

// With as many answers lost as won, changed answers make the bound worse: sqrt(flips) z / sqrt(n).
TEST(LossBound, ChangedAnswersCount) {
  EXPECT_LT(loss_bound(5, 5, 1000, 0.95), loss_bound(50, 50, 1000, 0.95));
  EXPECT_NEAR(loss_bound(500, 500, 10'000, 0.95), 1.7507 * std::sqrt(0.1 / 10'000), 2e-4);
}

TEST(LossBound, FewestQuestions) {
  for (const double confidence : {0.9, 0.95, 1 - 0.05 / 16}) {
    for (const double tolerance : {0.002, 0.01, 0.05}) {
      const int64_t n = fewest_questions(tolerance, confidence);
      EXPECT_LE(loss_bound(0, 0, n, confidence), tolerance + 1e-9) << n;
      if (n > 1) {
        EXPECT_GT(loss_bound(0, 0, n - 1, confidence), tolerance);
      }
    }
  }
  EXPECT_EQ(fewest_questions(0.01, 0.95), 304);
}

TEST(LossBound, RefusesWhatIsNoCount) {
  EXPECT_THROW(loss_bound(-1, 0, 5, 0.95), std::invalid_argument);
  EXPECT_THROW(loss_bound(3, 3, 5, 0.95), std::invalid_argument);
  EXPECT_THROW(loss_bound(0, 0, 0, 0.95), std::invalid_argument);
  EXPECT_THROW(loss_bound(0, 0, 5, 1), std::invalid_argument);
  EXPECT_THROW(fewest_questions(0, 0.95), std::invalid_argument);
}

// How often the bound is below the true loss: lost and won are a multinomial of n questions with a loss of
// `loss` and a share of `flips` changed answers.
struct Truth {
  int64_t n;
  double loss, flips;
  double lost_share() const { return (flips + loss) / 2; }
  double won_share() const { return (flips - loss) / 2; }
};

std::vector<Truth> grid(const std::vector<int64_t>& sizes) {
  std::vector<Truth> out;
  for (const int64_t n : sizes) {
    for (const double loss : {0., 0.0025, 0.005, 0.0075, 0.01, 0.0125, 0.015, 0.02, 0.03, 0.05, 0.075, 0.1}) {
      for (const double flips : {0., 0.0025, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.3}) {
        if (flips >= loss || flips == 0) out.push_back({n, loss, std::max(flips, loss)});
      }
    }
  }
  return out;
}

double log_power(double base, int64_t exponent) {
  return exponent == 0 ? 0 : static_cast<double>(exponent) * std::log(base);
}

// Exact: the sum over all pairs (lost, won) of their probability where the bound is too small. The bound
// grows with `lost` and falls with `won`, so that for each `won` these are the pairs below a border.
double miss_rate(const Truth& truth, double confidence) {
  const double same = 1 - truth.flips;
  double rate = 0;
  int64_t border = 0;  // the fewest lost answers whose bound is large enough; rises with `won`
  for (int64_t won = 0; won <= truth.n; ++won) {
    while (border + won <= truth.n && loss_bound(border, won, truth.n, confidence) < truth.loss - 1e-12)
      ++border;
    for (int64_t lost = 0; lost < border && lost + won <= truth.n; ++lost) {
      const int64_t rest = truth.n - lost - won;
      const auto choose = [](int64_t k) { return std::lgamma(static_cast<double>(k) + 1); };
      const bool impossible = (truth.won_share() <= 0 && won > 0) || (truth.lost_share() <= 0 && lost > 0);
      if (impossible) continue;
      rate += std::exp(choose(truth.n) - choose(lost) - choose(won) - choose(rest) +
                       log_power(truth.lost_share(), lost) + log_power(truth.won_share(), won) +
                       log_power(same, rest));
    }
  }
  return rate;
}

// Nominal 95 %, and what remains of it for each of 16 scores: never missed more often than that.
TEST(LossBoundCoverage, ExactForFewQuestions) {
  for (const double confidence : {0.95, 1 - 0.05 / 16}) {
    for (const Truth& truth : grid({8, 12, 20, 50, 120, 250})) {
      EXPECT_LE(miss_rate(truth, confidence), 1 - confidence + 1e-9)
          << "n " << truth.n << " loss " << truth.loss << " flips " << truth.flips << " at " << confidence;
    }
  }
}

// Simulated: 4,000 studies for each truth; four standard errors of that are 1.3 points.
TEST(LossBoundCoverage, SimulatedForMany) {
  std::mt19937_64 random(1234);
  constexpr int kStudies = 4'000;
  for (const Truth& truth : grid({1000, 1838, 14042})) {
    int missed = 0;
    std::binomial_distribution<int64_t> flips(truth.n, truth.flips);
    for (int study = 0; study < kStudies; ++study) {
      const int64_t changed = flips(random);
      std::binomial_distribution<int64_t> lost_ones(changed,
                                                    truth.flips > 0 ? truth.lost_share() / truth.flips : 0);
      const int64_t lost = lost_ones(random);
      missed += loss_bound(lost, changed - lost, truth.n, 0.95) < truth.loss - 1e-12;
    }
    EXPECT_LE(missed, 0.055 * kStudies)
        << "n " << truth.n << " loss " << truth.loss << " flips " << truth.flips;
  }
}

// How often the bound of the mean of `n` values of `draw` is below `mean`, in 4,000 tries.
template <typename Draw>
double miss_rate_of_mean(int n, double mean, const Draw& draw) {
  constexpr int kTries = 4000;
  int missed = 0;
  std::vector<double> values(static_cast<size_t>(n));
  for (int i = 0; i < kTries; ++i) {
    for (double& value : values) value = draw();
    missed += mean_bound(values, 0.95) < mean;
  }
  return static_cast<double>(missed) / kTries;
}

TEST(MeanBound, IsMissedAsOftenAsItSays) {
  std::mt19937_64 random(1234);
  std::normal_distribution<double> normal(0.1, 1);
  std::exponential_distribution<double> exponential(1);
  std::lognormal_distribution<double> log_normal(0, 1);
  EXPECT_NEAR(miss_rate_of_mean(160, 0.1, [&] { return normal(random); }), 0.05, 0.012);
  EXPECT_LT(miss_rate_of_mean(160, 1, [&] { return exponential(random); }), 0.065);
  EXPECT_LT(miss_rate_of_mean(160, std::exp(0.5), [&] { return log_normal(random); }), 0.1)
      << "twice as often";
}

TEST(MeanBound, OfFewOrEqualValues) {
  EXPECT_EQ(mean_bound(std::vector<double>(29, 1), 0.95), INFINITY);
  EXPECT_EQ(mean_bound(std::vector<double>(30, 1), 0.95), 1);
  std::vector<double> one(100, 0);
  one[0] = 1;
  EXPECT_GT(mean_bound(one, 0.95), 0.01 + 1.6604 * 0.01) << "more than Student's: a rare large value";
}

TEST(MeanInterval, IsStudents) {
  const std::vector<double> differences = {1, 2, 3, 4, 5};
  // 3 +- 2.776445 x sqrt(2.5 / 5)
  const Interval interval = mean_interval(differences);
  EXPECT_NEAR(interval.low, 3 - 2.7764451 * std::sqrt(0.5), 1e-6);
  EXPECT_NEAR(interval.high, 3 + 2.7764451 * std::sqrt(0.5), 1e-6);
  EXPECT_THROW(mean_interval(std::vector<double>{1}), std::invalid_argument);
}

}  // namespace
}  // namespace idleheads
