#include "report/numbers/certainty.h"

#include <cmath>

#include "report/changed_study.h"

namespace idleheads {
namespace {

class CertaintyTest : public testing::Test {
 protected:
  Certainty of(const LoadedStudy& study) { return certainty_of(study.store, study.summary); }
  // In the order of small_study(): awft, ahon_ln, random, at 10 % and 25 % each.
  Certainty of_small_study() { return of(load(small_study(), folder_ / "small.db")); }
  TempFolder folder_;
};

void expect_interval(const std::optional<Interval>& interval, double low, double high, double error = 1e-9) {
  ASSERT_TRUE(interval.has_value());
  EXPECT_NEAR(interval->low, low, error);
  EXPECT_NEAR(interval->high, high, error);
}

// (p + z^2 / 2n -+ z sqrt(p (1 - p) / n + z^2 / 4n^2)) / (1 + z^2 / n) with z = 1.95996398 and n = 200.
TEST_F(CertaintyTest, WilsonIntervals) {
  const Certainty certainty = of_small_study();
  expect_interval(certainty.baseline, 0.7391448134, 0.8495479908);
  ASSERT_EQ(certainty.scores.size(), 3u);
  expect_interval(certainty.scores[0].points.at(1).accuracy, 0.4313608596, 0.5686391404);
  expect_interval(certainty.scores[1].points.at(0).accuracy, 0.7499876129, 0.8583282847);
  expect_interval(certainty.scores[1].points.at(1).accuracy, 0.7337430195, 0.8451382380);
}

TEST_F(CertaintyTest, SeedDecidesTheDraws) {
  LoadedStudy study = load(small_study(), folder_ / "a.db");
  const auto low = [&] { return of(study).scores.at(0).points.at(1).difference.interval.low; };
  const double first = low();
  EXPECT_EQ(low(), first);
  study.summary.terms.seed = 5;
  EXPECT_NE(low(), first);
}

// The right documents are the first ones: 160 of the baseline, 158 and 100, 162 and 159 under the
// interventions.
TEST_F(CertaintyTest, LostAndWonOnOneSide) {
  const LoadedStudy study = load(small_study(), folder_ / "a.db");
  const Certainty certainty = of(study);
  const auto changes = [&](size_t score, size_t point) {
    return study.summary.scores.at(score).points.at(point).changes;
  };
  const std::vector<PointCertainty>&awft = certainty.scores.at(0).points,
        &ahon = certainty.scores.at(1).points;
  EXPECT_EQ(changes(0, 0).lost, 2);
  EXPECT_EQ(changes(0, 0).won, 0);
  EXPECT_NEAR(awft[0].mcnemar.value(), 0.5, 1e-12) << "2 / 2^2";
  EXPECT_EQ(changes(0, 1).lost, 60);
  EXPECT_NEAR(awft[1].mcnemar.value() / std::pow(0.5, 59), 1, 1e-9) << "2 / 2^60";
  EXPECT_EQ(changes(1, 0).lost, 0);
  EXPECT_EQ(changes(1, 0).won, 2);
  EXPECT_NEAR(ahon[0].mcnemar.value(), 0.5, 1e-12);
  EXPECT_EQ(changes(1, 1).lost, 1);
  EXPECT_EQ(ahon[1].mcnemar, 1);
}

TEST_F(CertaintyTest, LostAndWonOnBothSides) {
  FakeStudy study = small_study();
  study.runs[3].right = 160;
  const LoadedStudy changed = load_changed(study, folder_ / "a.db", [](size_t run, StoredResult& result) {
    const bool changes = result.document < 3 || result.document == 199;
    if (run == 3 && changes) std::swap(result.log_likelihoods[0], result.log_likelihoods[1]);
  });
  const PointCertainty point = of(changed).scores.at(1).points.at(0);
  EXPECT_EQ(changed.summary.scores[1].points[0].changes.lost, 3);
  EXPECT_EQ(changed.summary.scores[1].points[0].changes.won, 1);
  EXPECT_NEAR(point.mcnemar.value(), 2 * (1 + 4) / 16., 1e-12);
  EXPECT_NEAR(point.difference.points, -1, 1e-12);
}

// k lost documents of 200 are drawn Binomial(200, k / 200) times: for k = 2 at most 5 times in 98.4 %, 4
// times in 94.8 % of the draws, not at all in 13 %; for k = 1 at most 3 times in 98.1 %, 2 times in 92 %.
TEST_F(CertaintyTest, DifferencesArePaired) {
  FakeStudy study = small_study();
  study.runs[5].right = 160;  // random@10% answers as the baseline
  const Certainty certainty = of(load(study, folder_ / "a.db"));
  const auto expect_difference = [&](size_t score, size_t point, double points, double low, double high) {
    const PairedDifference difference = certainty.scores.at(score).points.at(point).difference;
    EXPECT_NEAR(difference.points, points, 1e-9) << score << " " << point;
    expect_interval(difference.interval, low, high);
  };
  expect_difference(0, 0, -1, -2.5, 0);
  expect_difference(1, 0, 1, 0, 2.5);
  expect_difference(1, 1, -0.5, -1.5, 0);
  expect_difference(2, 0, 0, 0, 0);
}

TEST_F(CertaintyTest, IntervalOfTheInactiveShare) {
  const Certainty certainty = of_small_study();
  EXPECT_EQ(certainty.scores.at(0).draws_with_share, 1);
  // awft: 5 documents lost at 12.5 % put the crossing at 12.5 x 1 / 2.5; none lost, and about 60 at 25 %,
  // just behind 12.5 %.
  const Interval awft = certainty.scores[0].inactive_percent.value();
  EXPECT_NEAR(awft.low, 5, 1e-9);
  EXPECT_GT(awft.high, 12.5 + 12.5 / 36);
  EXPECT_LT(awft.high, 12.5 + 12.5 / 25);
  // ahon_ln: most draws are within at the last point, which has 12.5 % of the heads off in odd documents
  // and 37.5 % in even ones: 25 +- 0.9 %.
  const Interval ahon = certainty.scores.at(1).inactive_percent.value();
  EXPECT_GT(ahon.low, 18);
  EXPECT_LT(ahon.low, 23);
  EXPECT_GT(ahon.high, 25.9);
  EXPECT_LT(ahon.high, 28);
}

TEST_F(CertaintyTest, UnfinishedBaselineHasItsIntervalAlone) {
  const LoadedStudy study = load(small_study(), folder_ / "a.db", {150, 0, 0, 0, 0, 0, 0});
  ASSERT_EQ(study.summary.scores.size(), 3u);
  const Certainty certainty = of(study);
  expect_interval(certainty.baseline, 0.9750297556, 1);
  EXPECT_TRUE(certainty.scores.empty());
}

TEST_F(CertaintyTest, UnfinishedInterventionsAreLeftOut) {
  const Certainty certainty = of(load(small_study(), folder_ / "a.db", {-1, -1, -1, -1, 7, 0, 0}));
  ASSERT_EQ(certainty.scores.size(), 3u);
  EXPECT_EQ(certainty.scores[0].points.size(), 2u);
  ASSERT_EQ(certainty.scores[1].points.size(), 1u);
  EXPECT_TRUE(certainty.scores[2].points.empty());
}

TEST_F(CertaintyTest, NothingDoneOrNothingToMeasure) {
  const Certainty nothing_done = of(load(small_study(), folder_ / "a.db", {0, 0, 0, 0, 0, 0, 0}));
  EXPECT_FALSE(nothing_done.baseline.has_value());
  EXPECT_TRUE(nothing_done.scores.empty());
  FakeStudy texts = score_only_study();
  for (StoredDocument& document : texts.documents) document.choice_lengths.clear();
  const Certainty nothing_measured = of(load(texts, folder_ / "b.db"));
  EXPECT_FALSE(nothing_measured.baseline.has_value());
  EXPECT_TRUE(nothing_measured.scores.empty());
}

// -0.05 in 10 words are half a percent of perplexity: -0.5 points, in every text and so in every draw.
TEST_F(CertaintyTest, PerplexitiesHaveDifferencesAlone) {
  const Certainty certainty = of(load_texts(folder_ / "a.db", -20, -20.05f));
  EXPECT_FALSE(certainty.baseline.has_value());
  const PointCertainty& point = certainty.scores.at(0).points.at(0);
  EXPECT_FALSE(point.accuracy.has_value());
  EXPECT_FALSE(point.mcnemar.has_value());
  EXPECT_NEAR(point.difference.points, -0.5, 1e-4);
  expect_interval(point.difference.interval, -0.5, -0.5, 1e-4);
  const Certainty beyond = of(load_texts(folder_ / "b.db", -20, -20.2f));  // -2 points at 12.5 %
  EXPECT_FALSE(beyond.scores[0].inactive_percent.has_value()) << "of three documents";
}

TEST_F(CertaintyTest, WrittenAnswers) {
  const Certainty certainty = of(load_answers(folder_ / "a.db"));
  expect_interval(certainty.baseline, 0.4901624715, 0.9433178485);
  const PointCertainty& point = certainty.scores.at(1).points.at(0);
  EXPECT_EQ(point.mcnemar, 1);
  EXPECT_NEAR(point.difference.points, -10, 1e-9);
}

TEST_F(CertaintyTest, TheSameEveryTime) {
  const LoadedStudy study = load(small_study(), folder_ / "a.db");
  const Certainty first = of(study), second = of(study);
  EXPECT_EQ(first.scores.at(2).points.at(1).difference.interval.low,
            second.scores.at(2).points.at(1).difference.interval.low);
  EXPECT_EQ(first.scores[0].inactive_percent->high, second.scores[0].inactive_percent->high);
}

}  // namespace
}  // namespace idleheads
