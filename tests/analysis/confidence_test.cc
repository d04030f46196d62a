#include "idleheads/analysis/confidence.h"

#include <gtest/gtest.h>

#include <cmath>
#include <stdexcept>

#include "analysis/bootstrap.h"
#include "analysis/spread.h"

namespace idleheads {
namespace {

TEST(Wilson, HandComputed) {
  // With z = 1.959963984540054: (0.3 + z^2/200 +- z sqrt(0.21/100 + z^2/40000)) / (1 + z^2/100).
  const double z = 1.959963984540054;
  const double center = 0.3 + z * z / 200, half = z * std::sqrt(0.0021 + z * z / 40000),
               scale = 1 + z * z / 100;
  const Interval interval = wilson(30, 100);
  EXPECT_NEAR(interval.low, (center - half) / scale, 1e-12);
  EXPECT_NEAR(interval.high, (center + half) / scale, 1e-12);
  EXPECT_LT(interval.low, 0.3);
  EXPECT_GT(interval.high, 0.3);
}

TEST(Wilson, EndsStayInRange) {
  EXPECT_EQ(wilson(0, 10).low, 0);
  EXPECT_NEAR(wilson(0, 10).high, 3.8414588 / (10 + 3.8414588), 1e-6);  // z^2 / (n + z^2)
  EXPECT_EQ(wilson(10, 10).high, 1);
  EXPECT_GT(wilson(5, 10, 0.99).high, wilson(5, 10, 0.9).high);
  EXPECT_THROW(wilson(0, 0), std::invalid_argument);
  EXPECT_THROW(wilson(3, 2), std::invalid_argument);
  EXPECT_THROW(wilson(1, 2, 1), std::invalid_argument);
}

TEST(McNemar, ExactBinomialTails) {
  EXPECT_EQ(mcnemar_exact(0, 0), 1);
  EXPECT_EQ(mcnemar_exact(3, 3), 1);
  EXPECT_NEAR(mcnemar_exact(0, 5), 2. / 32, 1e-12);
  EXPECT_NEAR(mcnemar_exact(1, 7), 2. * (1 + 8) / 256, 1e-12);
  EXPECT_EQ(mcnemar_exact(7, 1), mcnemar_exact(1, 7));
  EXPECT_THROW(mcnemar_exact(-1, 2), std::invalid_argument);
}

// `right` of 200 documents right, spread evenly; `percent` of heads off in each.
MeasuredRun run(int right, double percent) {
  MeasuredRun out;
  for (int i = 0; i < 200; ++i) {
    out.values.push_back((i * right) / 200 != ((i + 1) * right) / 200);
    out.sizes.push_back(1);
    out.percent.push_back(percent);
  }
  return out;
}

TEST(Bootstrap, ARunLikeTheBaselineIsWithinForSure) {
  const MeasuredRun baseline = run(120, 0);
  const std::vector<std::vector<MeasuredRun>> curves = {{run(120, 10), run(120, 20)}};
  const BootstrapCurve curve = bootstrap(baseline, curves, {})[0];
  EXPECT_EQ(curve.differences[1].points, 0);
  EXPECT_EQ(curve.differences[1].interval.low, 0);
  EXPECT_EQ(curve.differences[1].interval.high, 0);
  EXPECT_EQ(curve.draws_with_share, 1);
  EXPECT_EQ(curve.inactive_percent->low, 20);
  EXPECT_EQ(curve.inactive_percent->high, 20);
}

TEST(Bootstrap, AHeavyLossIsNotWithin) {
  const std::vector<std::vector<MeasuredRun>> curves = {{run(40, 10)}};
  const BootstrapCurve curve = bootstrap(run(120, 0), curves, {})[0];
  EXPECT_DOUBLE_EQ(curve.differences[0].points, -40);
  EXPECT_LT(curve.differences[0].interval.high, -25);
  EXPECT_GT(curve.differences[0].interval.low, -55);
}

// Documents that change sides in pairs: the interval is that of McNemar's setting, about 1.96 standard errors
// of the mean of 200 differences of which 20 are +1, 20 are -1: sqrt(0.2 / 200) = 3.16 points.
TEST(Bootstrap, IntervalOfPairedDifferences) {
  MeasuredRun baseline = run(100, 0), other = baseline;
  int lost = 0, won = 0;
  for (size_t i = 0; i < other.values.size(); ++i) {
    if (other.values[i] == 1 && lost < 20) {
      other.values[i] = 0;
      ++lost;
    } else if (baseline.values[i] == 0 && won < 20) {
      other.values[i] = 1;
      ++won;
    }
  }
  BootstrapOptions options;
  options.draws = 4000;
  const std::vector<std::vector<MeasuredRun>> curves = {{other}};
  const PairedDifference difference = bootstrap(baseline, curves, options)[0].differences[0];
  EXPECT_DOUBLE_EQ(difference.points, 0);
  // The percentiles of 4,000 draws vary by some 0.1 points.
  EXPECT_NEAR(difference.interval.low, -1.96 * 3.162, 0.6);
  EXPECT_NEAR(difference.interval.high, 1.96 * 3.162, 0.6);
}

// Without a point above the line at 0 % a draw may have no share: 3 lost documents of 200 are drawn at most
// twice, which is within a point, in 42 % of the draws, 1 lost document in 92 %.
TEST(Bootstrap, AShareThatMostDrawsLackHasNoInterval) {
  const MeasuredRun baseline = run(120, 0);
  const auto curve_of = [&](int lost) {
    MeasuredRun worse = baseline;
    for (double& value : worse.values) {
      if (value == 1 && lost-- > 0) value = 0;
    }
    const std::vector<std::vector<MeasuredRun>> curves = {{worse}};
    return bootstrap(baseline, curves, {})[0];
  };
  const BootstrapCurve few = curve_of(3), most = curve_of(1);
  EXPECT_NEAR(few.draws_with_share, 0.42, 0.06);
  EXPECT_FALSE(few.inactive_percent.has_value());
  EXPECT_NEAR(most.draws_with_share, 0.92, 0.04);
  EXPECT_TRUE(most.inactive_percent.has_value());
}

TEST(Bootstrap, TheSeedDecides) {
  const std::vector<std::vector<MeasuredRun>> curves = {{run(110, 5), run(90, 10)}};
  const auto low = [&](uint64_t seed) {
    BootstrapOptions options;
    options.seed = seed;
    return bootstrap(run(120, 0), curves, options)[0].differences[1].interval.low;
  };
  EXPECT_EQ(low(1), low(1));
  EXPECT_NE(low(1), low(2));
}

TEST(Bootstrap, PerplexitiesAreWeightedBySize) {
  // Log-likelihoods -2 and -12 over 1 and 4 words: -14 / 5 in hundredths of a nat.
  const MeasuredRun baseline = {{-2, -12}, {1, 4}, {}};
  const std::vector<std::vector<MeasuredRun>> curves = {{{{-3, -12}, {1, 4}, {5, 5}}}};
  const BootstrapCurve curve = bootstrap(baseline, curves, {})[0];
  EXPECT_NEAR(curve.differences[0].points, -20, 1e-12);
}

// Two documents, one of which takes three times as many passes: 10 % and 30 % off are 15 % of all passes.
TEST(Bootstrap, ShareIsOverPasses) {
  const MeasuredRun baseline = {{1, 1}, {1, 1}, {}};
  const std::vector<std::vector<MeasuredRun>> curves = {{{{1, 1}, {1, 1}, {10, 30}, {3, 1}}}};
  BootstrapOptions options;
  options.confidence = 0.01;  // the median of the draws: both documents once
  EXPECT_EQ(bootstrap(baseline, curves, options)[0].inactive_percent->low, 15);
}

// NumPy's percentile of 1, 2, 4, 8: positions 0.15, 1.5, 2.85 of 0 to 3.
TEST(Percentile, IsLinearBetweenNeighbours) {
  std::vector<double> values = {8, 1, 4, 2};
  EXPECT_DOUBLE_EQ(percentile(values, 0.05), 1.15);
  EXPECT_DOUBLE_EQ(percentile(values, 0.5), 3);
  EXPECT_DOUBLE_EQ(percentile(values, 0.95), 7.4);
  EXPECT_EQ(percentile(values, 0), 1);
  EXPECT_EQ(percentile(values, 1), 8);
  std::vector<double> none;
  EXPECT_THROW(percentile(none, 0.5), std::invalid_argument);
  EXPECT_THROW(percentile(values, 1.5), std::invalid_argument);
}

TEST(Bootstrap, RefusesWhatDoesNotFit) {
  const std::vector<std::vector<MeasuredRun>> curves = {{{{1}, {1}, {}}}};
  EXPECT_THROW(bootstrap(run(1, 0), curves, {}), std::invalid_argument);
  EXPECT_THROW(bootstrap({}, {}, {}), std::invalid_argument);
}

}  // namespace
}  // namespace idleheads
