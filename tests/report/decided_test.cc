// What reports say of studies that have not all results: of one that runs, and of one that stops when it
// knows.
#include "report/numbers/decided.h"

#include <fmt/format.h>

#include "idleheads/report/show.h"
#include "idleheads/studyfile/decisions.h"
#include "report/figures/curve_lines.h"
#include "report/numbers/progress.h"
#include "report/report_fixture.h"

namespace idleheads {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

class Decided : public testing::Test {
 protected:
  // The results of the first rounds of the random order.
  StudyStore store_rounds(size_t rounds) {
    StudyStore store = store_study(study_, folder_ / "study.db", {-1, 0, 0, 0, 0, 0, 0});
    store.set_order({.block_documents = 1, .rounds = 10});
    const auto by_round = documents_by_round(store.settings(), store.documents(), *store.order());
    Cohort cohort;
    for (size_t r = 0; r < rounds; ++r) {
      for (const int64_t d : by_round[r]) {
        for (size_t i = 1; i < study_.runs.size(); ++i) cohort.emplace_back(i, fake_result(study_, i, d));
      }
    }
    store.add(cohort);
    return store;
  }

  const FakeStudy study_ = small_study();
  TempFolder folder_;
};

TEST_F(Decided, AStudyThatRunsHasIntervalsThatHoldTheTruth) {
  double widest = 100;
  for (const size_t rounds : {2u, 5u, 9u}) {
    std::filesystem::remove(folder_ / "study.db");
    const StudyStore store = store_rounds(rounds);
    const StudySummary summary = summarize(store);
    ASSERT_TRUE(summary.decisions && shows_decisions(summary));
    EXPECT_FALSE(summary.decisions->stops);
    EXPECT_EQ(summary.decisions->asked, static_cast<int64_t>(rounds) * 20 * 6);
    double wide = 0;
    for (const DecidedPoint& point : summary.decisions->points) {
      const FakeRun& run = study_.runs[static_cast<size_t>(point.entry.intervention)];
      const double loss = (160. - run.right) / 200;
      EXPECT_EQ(point.decision.documents, static_cast<int64_t>(rounds) * 20);
      EXPECT_LE(point.decision.bounds.low, loss + 1e-9);
      EXPECT_GE(point.decision.bounds.high, loss - 1e-9);
      EXPECT_NE(point.decision.verdict, loss <= 0.01 ? Verdict::fails : Verdict::holds);
      wide = std::max(wide, point.decision.bounds.high - point.decision.bounds.low);
    }
    EXPECT_LT(wide, widest) << "more rounds say more";
    widest = wide;
    EXPECT_THAT(show(summary, {}),
                AllOf(HasSubstr(fmt::format("Unfinished: {}0 % of all results are there", rounds)),
                      HasSubstr("whenever one"), Not(HasSubstr("preliminary"))));
    for (const figure::CurveLine& line : figure::curve_lines(load_study((folder_ / "study.db").string()))) {
      ASSERT_EQ(line.points.size(), 3u) << "the baseline and two points of what was asked";
      ASSERT_EQ(line.band.size(), 3u);
      const Decision& last = points_of_score(*summary.decisions, *line.score).back()->decision;
      EXPECT_DOUBLE_EQ(line.points[2].accuracy, 80 - 100 * last.estimate);
      EXPECT_DOUBLE_EQ(line.band[2].high, 80 - 100 * std::max(last.bounds.low, last.estimate - 0.1));
      EXPECT_DOUBLE_EQ(line.band[2].low, 80 - 100 * std::min(last.bounds.high, last.estimate + 0.1));
    }
  }
}

TEST_F(Decided, AllResultsAreShownAsAlways) {
  const StudyStore store = store_rounds(10);
  const StudySummary summary = summarize(store);
  EXPECT_FALSE(summary.decisions) << "it was not to decide";
  EXPECT_THAT(show(summary, {}), Not(HasSubstr("Unfinished")));
}

TEST_F(Decided, AStudyThatStopsKeepsItsTermsAndNamesTheBestHeads) {
  StudyStore store = store_rounds(6);
  store.set_decision_terms({.tolerance = 0.2, .confidence = 0.6});
  const StudySummary summary = summarize(store, {.terms = {.tolerance = 3}});
  ASSERT_TRUE(shows_decisions(summary));
  EXPECT_TRUE(summary.decisions->stops);
  EXPECT_EQ(summary.decisions->terms.tolerance, 0.2) << "those that it was decided by";
  ASSERT_TRUE(summary.decisions->best);
  const CurveEntry* best = best_point(summary);
  ASSERT_NE(best, nullptr);
  EXPECT_EQ(best->score->slug, "ahon_ln");
  EXPECT_EQ(best->share, 0.25);
  EXPECT_EQ(best->frequency.passes, 120) << "over the questions asked";
  EXPECT_EQ(summary.named->always, (std::vector<HeadId>{{1, 3}}));
  EXPECT_THAT(show(summary, {.curves = true}),
              AllOf(HasSubstr("Decided for all 200 questions of quiz, with 60 % confidence for all 6"),
                    HasSubstr("Best: ahon_ln (Avg Head Output Norm (LN)) holds at 25 %"),
                    HasSubstr("ahon_ln@25%"), HasSubstr("at least")));
}

TEST_F(Decided, WhatIsOpenIsStillWanted) {
  StudyStore store = store_rounds(2);
  store.set_decision_terms({.tolerance = 0.01});
  const StudySummary summary = summarize(store);
  ASSERT_GT(summary.decisions->left, 0);
  const StudyProgress progress = progress_of(store, summary);
  EXPECT_FALSE(progress.is_whole);
  EXPECT_EQ(progress.done, 200 + 2 * 20 * 6);
  EXPECT_EQ(progress.all, progress.done + summary.decisions->left);
}

TEST_F(Decided, AStudyThatStopsIsWholeOnceNothingIsOpen) {
  StudyStore store = store_rounds(9);
  store.set_decision_terms({.tolerance = 0.5});
  const StudySummary summary = summarize(store);
  ASSERT_EQ(summary.decisions->left, 0);
  ASSERT_FALSE(summary.missing.empty());
  const StudyProgress progress = progress_of(store, summary);
  EXPECT_TRUE(progress.is_whole);
  EXPECT_EQ(progress.done, progress.all);
}

TEST_F(Decided, NothingIsSaidWhereNothingCanBeKnown) {
  StudyStore store = store_study(study_, folder_ / "study.db", {-1, 50, 50, 50, 50, 50, 50});
  EXPECT_FALSE(summarize(store).decisions) << "no order: an older file";
  EXPECT_THAT(show(summarize(store), {}), HasSubstr("preliminary"));
  std::filesystem::remove(folder_ / "study.db");
  StudyStore begun = store_study(study_, folder_ / "begun.db", {150, 0, 0, 0, 0, 0, 0});
  begun.set_order({});
  EXPECT_FALSE(summarize(begun).decisions) << "the baseline is not whole";
}

}  // namespace
}  // namespace idleheads
