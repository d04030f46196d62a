#include "idleheads/report/summary.h"

#include <fmt/format.h>

#include "report/report_fixture.h"

namespace idleheads {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

const ScoreSummary& score_of(const StudySummary& summary, std::string_view slug) {
  for (const ScoreSummary& score : summary.scores) {
    if (score.score->slug == slug) return score;
  }
  throw std::logic_error("no such score");
}

TEST(Summary, CurvesAndBestScore) {
  TempFolder folder;
  const StudySummary summary = summarize(store_study(small_study(), folder / "a.db"));
  EXPECT_EQ(summary.baseline_value().value, 0.8);
  EXPECT_NEAR(*summary.baseline_value().error, std::sqrt(0.8 * 0.2 / 198), 1e-15)
      << "pooled over two subjects";
  EXPECT_EQ(summary.chance, 0.5);
  EXPECT_TRUE(summary.missing.empty());
  ASSERT_EQ(summary.scores.size(), 3u);
  const ScoreSummary& ahon = score_of(summary, "ahon_ln");
  ASSERT_EQ(ahon.points.size(), 2u);
  EXPECT_EQ(ahon.points[1].percent_off, 25);
  EXPECT_EQ(ahon.points[1].threshold, 0.52) << "the digits of the rule, not those of the float";
  EXPECT_EQ(ahon.inactive_percent, 25);
  EXPECT_EQ(ahon.proven, 1u);
  EXPECT_EQ(ahon.auc, (80.5 + 80.25) / 2) << "with the baseline at 0 %";
  EXPECT_EQ(score_of(summary, "awft").inactive_percent, 12.5) << "exactly one point below is within";
  EXPECT_EQ(score_of(summary, "random").proven, std::nullopt);
  EXPECT_EQ(summary.best, 1u);
  EXPECT_EQ(summary.best_other, 1u);
}

TEST(Summary, OnePointBelowIsWithinWhateverTheRounding) {
  TempFolder folder;
  FakeStudy study = small_study();
  study.runs[2].right = 0;
  for (const int questions : {100, 300, 700}) {
    study.documents.clear();
    for (int d = 0; d < questions; ++d) study.documents.push_back(fake_document(d));
    for (const int right : {57, 58, 68, 93}) {
      study.runs[0].right = right * questions / 100;
      study.runs[1].right = (right - 1) * questions / 100;
      const StudySummary summary =
          summarize(store_study(study, folder / fmt::format("{}_{}.db", questions, right)));
      EXPECT_EQ(score_of(summary, "awft").proven, 0u) << right << " % of " << questions;
    }
  }
}

TEST(Summary, ShareZeroReplacesTheBaselineAsFirstPoint) {
  TempFolder folder;
  FakeStudy study = small_study();
  study.runs.push_back({{"aeqd", 0, "aeqd<0"}, 100, {{0, 0}}, {}});
  const StudySummary summary = summarize(store_study(study, folder / "a.db"));
  EXPECT_EQ(score_of(summary, "aeqd").inactive_percent, std::nullopt);
}

TEST(Summary, EqualScoresAreRankedByArea) {
  TempFolder folder;
  FakeStudy study = small_study();
  study.runs.push_back({{"ahon", 0.25, "ahon<1"}, 170, {{0, 0}, {0, 1}}, {}});
  const StudySummary summary = summarize(store_study(study, folder / "a.db"));
  EXPECT_EQ(score_of(summary, "ahon").inactive_percent, score_of(summary, "ahon_ln").inactive_percent);
  EXPECT_EQ(summary.scores[*summary.best].score->slug, "ahon");
}

TEST(Summary, HeadsByName) {
  HeadFrequency frequency;
  for (int s = 0; s < 10; ++s) {
    HeadMask mask(2, 2);
    mask.set(1, 1, true);
    mask.set(0, 1, s < 9);
    mask.set(1, 0, s < 8);
    frequency.add(mask);
  }
  const NamedHeads named = name_heads(frequency);
  EXPECT_THAT(named.always, ElementsAre(HeadId{1, 1}));
  EXPECT_THAT(named.mostly, ElementsAre(HeadId{0, 1}));
  EXPECT_THAT(named.sometimes, ElementsAre(HeadId{1, 0}));
  EXPECT_THAT(named.never, ElementsAre(HeadId{0, 0}));
}

TEST(Summary, NormalisedMetric) {
  TempFolder folder;
  FakeStudy study = small_study();
  study.settings["info.metric"] = "acc_norm";
  for (StoredDocument& document : study.documents) document.choice_lengths = {1, 8};  // -1.5 / 1 < -9 / 8
  const StudySummary summary = summarize(store_study(study, folder / "a.db"));
  EXPECT_EQ(value_of(summary.baseline, Metric::acc).value, 0.8);
  EXPECT_EQ(summary.baseline_value().value, 0) << "right ones lose by their length";
}

TEST(Summary, SubjectsAsTheHarnessOrdersThem) {
  TempFolder folder;
  const StudySummary summary = summarize(store_study(small_study(), folder / "a.db"),
                                         {.distributions = false, .subjects_of = "awft@25%"});
  std::vector<std::string> names;
  for (const SubjectRow& row : summary.subjects) names.push_back(fmt::format("{}{}", row.depth, row.name));
  EXPECT_THAT(names, ElementsAre("0quiz", "1home", "2cooking, \"fine\"", "1nature", "2animals"));
  EXPECT_EQ(summary.chosen_rule, "awft@25%");
  EXPECT_EQ(value_of(summary.subjects_chosen[0].values, Metric::acc).value, 0.5);
  // Two subjects of 100 with 80 right each: sqrt(2 * 99 * e^2 * 100 / 198 / 200).
  const double e = std::sqrt(0.8 * 0.2 / 99);
  EXPECT_NEAR(*value_of(summary.subjects[0].values, Metric::acc).error,
              std::sqrt(2 * 99 * e * e * 100 / 198 / 200), 1e-15);
}

TEST(Summary, TaskOfOneGroupIsOneRow) {
  TempFolder folder;
  FakeStudy study = small_study();
  for (StoredDocument& document : study.documents) document.group = "quiz", document.category = "";
  EXPECT_EQ(summarize(store_study(study, folder / "a.db")).subjects.size(), 1u);
}

TEST(Summary, UnfinishedStudy) {
  TempFolder folder;
  const StudySummary summary = summarize(store_study(small_study(), folder / "a.db", {-1, -1, -1, -1, 7, 0}));
  ASSERT_EQ(summary.missing.size(), 2u);
  EXPECT_EQ(summary.missing[0].name, "ahon_ln@25%");
  EXPECT_EQ(summary.missing[0].done, 7);
  EXPECT_EQ(summary.missing[1].name, "random@10%");
  EXPECT_EQ(score_of(summary, "ahon_ln").points.size(), 1u);
  EXPECT_EQ(score_of(summary, "ahon_ln").inactive_percent, 12.5);
}

TEST(Summary, NothingDoneYet) {
  TempFolder folder;
  const StudySummary summary = summarize(store_study(score_only_study(), folder / "a.db", {0}));
  EXPECT_EQ(value_of(summary.baseline, Metric::acc).n, 0);
  ASSERT_EQ(summary.missing.size(), 1u);
  EXPECT_EQ(summary.missing[0].name, "baseline");
  EXPECT_TRUE(std::isnan(summary.distributions[0].median));
}

TEST(Summary, NoDocuments) {
  TempFolder folder;
  FakeStudy study = small_study();
  study.documents.clear();
  const StudySummary summary = summarize(store_study(study, folder / "a.db"));
  EXPECT_EQ(summary.best, std::nullopt);
  EXPECT_EQ(summary.questions, 0);
}

TEST(Summary, DistributionsLeaveNanOut) {
  TempFolder folder;
  FakeStudy study = score_only_study();
  StudyStore store = StudyStore::open(folder / "a.db", study.settings, study.documents);
  StoredResult result = fake_result(study, 0, 0);
  for (HeadStats& stats : result.stats[0].layer(0)) stats[static_cast<size_t>(Stat::output_norm)] = 0;
  store.add({{0, result}});
  for (const ScoreDistribution& d : summarize(store).distributions) {
    const bool divided =
        d.score->normaliser != Score::Normaliser::one && d.score->normaliser_stat == Stat::output_norm;
    EXPECT_EQ(d.nan, divided ? 4 : 0) << d.score->slug;
    EXPECT_EQ(d.numbers, divided ? 4 : 8);
    EXPECT_EQ(std::isnan(d.mean.at(0, 1)), divided);
    EXPECT_FALSE(std::isnan(d.mean.at(1, 1)));
  }
}

TEST(FindPoint, ByShareOrRule) {
  TempFolder folder;
  const StudySummary summary = summarize(store_study(small_study(), folder / "a.db", {-1, -1, -1, -1, 7}));
  EXPECT_EQ(find_point(summary, "awft@25%").intervention, 2);
  EXPECT_EQ(find_point(summary, "ahon_ln<0.25").intervention, 3);
  const auto message = [&](const char* text) { return error_of([&] { find_point(summary, text); }); };
  EXPECT_THAT(message("awft@12%"), HasSubstr("awft was tested at 10%, 25%"));
  EXPECT_THAT(message("ahon_ln@25%"), HasSubstr("not finished: 7 of 200"));
  EXPECT_THAT(message("lthon@25%"), HasSubstr("no result of lthon"));
  EXPECT_THAT(message("awfd@25%"), HasSubstr("awft"));
  EXPECT_THAT(message("L0H1"), HasSubstr("expected a score and a share"));
}

}  // namespace
}  // namespace idleheads
