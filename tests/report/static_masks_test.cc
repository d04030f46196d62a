// Static masks of a study: kept apart from the curves, and shown beside them.
#include <cmath>

#include "base/mapped_file.h"
#include "format/json.h"
#include "idleheads/report/export.h"
#include "idleheads/report/show.h"
#include "idleheads/report/summary.h"
#include "report/page/report_json.h"
#include "report/report_fixture.h"

namespace idleheads {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

// ahon_ln's heads for every input: those off in half of the inputs lose too much at 25 %, not at 10 %.
FakeStudy study_with_masks() {
  FakeStudy study = small_study();
  study.runs.push_back({{"ahon_ln", 0.1, "L1H3", 1, 0.5}, 159, {{1, 3}}, {}});
  study.runs.push_back({{"ahon_ln", 0.1, "L1H3", 1, 1.0}, 159, {{1, 3}}, {}});
  study.runs.push_back({{"ahon_ln", 0.25, "L0H0,L1H0,L1H3", 1, 0.5}, 100, {{0, 0}, {1, 0}, {1, 3}}, {}});
  return study;
}

TEST(StaticMasks, ChangeNothingOfTheCurves) {
  TempFolder folder;
  const StudySummary without = summarize(store_study(small_study(), folder / "a.db")),
                     with = summarize(store_study(study_with_masks(), folder / "b.db"));
  ASSERT_EQ(with.scores.size(), without.scores.size());
  for (size_t i = 0; i < with.scores.size(); ++i) {
    EXPECT_EQ(with.scores[i].points.size(), without.scores[i].points.size());
    EXPECT_EQ(with.scores[i].planned, without.scores[i].planned);
    EXPECT_EQ(with.scores[i].auc, without.scores[i].auc);
    EXPECT_EQ(with.scores[i].sure, without.scores[i].sure);
    EXPECT_EQ(with.scores[i].inactive_percent, without.scores[i].inactive_percent);
  }
  EXPECT_EQ(with.best, without.best);
  EXPECT_EQ(score_ranking(with), score_ranking(without));
}

TEST(StaticMasks, TheLargestWithin) {
  TempFolder folder;
  const StudySummary summary = summarize(store_study(study_with_masks(), folder / "a.db"));
  const ScoreSummary& ahon = summary.scores[1];
  ASSERT_EQ(ahon.static_points.size(), 3u);
  EXPECT_EQ(ahon.static_points[1].percent_off, 37.5) << "by share, those that are always off last";
  EXPECT_TRUE(std::isinf(ahon.static_points[0].changes.loss_bound)) << "they were made of these inputs";
  const CurveEntry* half = largest_static(summary, ahon, 0.5);
  ASSERT_NE(half, nullptr);
  EXPECT_EQ(half->share, 0.1);
  EXPECT_EQ(largest_static(summary, ahon, 1)->percent_off, 12.5);
  EXPECT_EQ(largest_static(summary, ahon, 0.9), nullptr);
  EXPECT_EQ(largest_static(summary, summary.scores[0], 1), nullptr);
}

TEST(StaticMasks, Shown) {
  TempFolder folder;
  const StudySummary summary = summarize(store_study(study_with_masks(), folder / "a.db"));
  EXPECT_THAT(show(summary), AllOf(HasSubstr("score         per input  50 % of the inputs          always"),
                                   HasSubstr("ahon_ln  25.0 %, 79.5 %      12.5 %, 79.5 %  12.5 %, 79.5 %")));
  EXPECT_THAT(show_curves(summary, {}), AllOf(HasSubstr("  50 % of the inputs  79.5 @ 12.5  50.0 @ 37.5"),
                                              HasSubstr("  always              79.5 @ 12.5            -")));
  EXPECT_THAT(show(summarize(store_study(small_study(), folder / "b.db"))), Not(HasSubstr("Off for good")));
  const StudySummary unfinished =
      summarize(store_study(study_with_masks(), folder / "c.db", {-1, -1, -1, -1, -1, -1, -1, -1, 3}));
  EXPECT_THAT(show(unfinished), HasSubstr("ahon_ln@10% (off in 100 % of the inputs) has 3 of 200 documents"));
}

TEST(StaticMasks, Exported) {
  TempFolder folder;
  const StudyStore store = store_study(study_with_masks(), folder / "a.db");
  const Json curve = parse_json(study_json(store), "export")["curves"][1];
  EXPECT_EQ(curve["points"].size(), 2u);
  ASSERT_EQ(curve["static"].size(), 3u);
  EXPECT_EQ(curve["static"][1]["heads"], "L0H0,L1H0,L1H3");
  EXPECT_EQ(curve["static"][1]["at_least"], 0.5);
  EXPECT_EQ(curve["static"][1]["percent_zeroed"], 37.5);
  EXPECT_EQ(curve["static"][1]["accuracy"]["acc"]["value"], 0.5);
  EXPECT_EQ(curve["static"][1]["changed"], 60);
  export_csv(store, folder / "csv");
  EXPECT_THAT(read_text_file(folder / "csv/static.csv"),
              AllOf(HasSubstr("score,share,at_least,heads,percent_zeroed,questions,accuracy,"),
                    HasSubstr("\nahon_ln,0.1,1,L1H3,12.5,200,0.795,")));
  export_csv(store_study(small_study(), folder / "b.db"), folder / "csv2");
  EXPECT_FALSE(std::filesystem::exists(folder / "csv2/static.csv"));
}

TEST(StaticMasks, AreListsOfHeads) {
  TempFolder folder;
  FakeStudy study = study_with_masks();
  study.runs.back().intervention.rule = "ahon_ln<0.5";
  EXPECT_THAT(error_of([&] { summarize(store_study(study, folder / "a.db")); }),
              HasSubstr("is not one of the score ahon_ln"));
}

}  // namespace
}  // namespace idleheads
