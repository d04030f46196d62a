// Studies whose answers are written, and of texts: their tables and exports.
#include <fmt/format.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "idleheads/report/export.h"
#include "idleheads/report/show.h"
#include "report/report_fixture.h"
#include "report/zip_reader.h"

namespace idleheads {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using json = nlohmann::json;

HeadMask mask_of(const std::vector<HeadId>& off) {
  HeadMask mask(2, 4);
  for (const HeadId id : off) mask.set(id.layer, id.head, true);
  return mask;
}

FakeStudy study_of(const StoredDocument& document, int count, const std::string& metrics) {
  FakeStudy study;
  study.settings["task.metrics"] = metrics;
  study.settings.erase("info.metric");
  for (int d = 0; d < count; ++d) {
    study.documents.push_back(document);
    study.documents.back().index = d;
  }
  study.runs = {{{"", 0, "none"}, 0, {}, {}}, {{"ahon_ln", 0.1, "ahon_ln<0.25"}, 0, {}, {}}};
  return study;
}

// Ten questions, each answered in three new tokens and then one more. 8 are right; under the intervention one
// less, with head L1H3 off in the first three passes and L0H0 too in the last.
StudyStore written_study(const std::filesystem::path& path, int64_t right = 8) {
  const FakeStudy study = study_of(answer_document("so it is\n#### 5"), 10,
                                   "exact_match,strict-match;exact_match,flexible-extract");
  StudyStore store = StudyStore::open(path, study.settings, study.documents);
  store.set_plan({study.runs[0].intervention, study.runs[1].intervention});
  Cohort cohort;
  for (int64_t run = 0; run < 2; ++run) {
    for (int64_t d = 0; d < 10; ++d) {
      StoredResult result;
      result.document = d;
      result.response = d < right - run ? "I think, \"#### 5\"" : d == 9 ? "it is 5" : "";
      result.masks = {run == 0 ? mask_of({}) : mask_of({{1, 3}})};
      result.passes = {4};
      if (run == 1) {
        result.masks.push_back(mask_of({{0, 0}, {1, 3}}));
        result.passes = {3, 1};
      } else {
        result.stats.push_back(fake_stats(study, d));
      }
      cohort.emplace_back(run, result);
    }
  }
  store.add(cohort);
  return store;
}

// Three texts of 10 words and 40 bytes in two windows each.
StudyStore text_study(const std::filesystem::path& path, float under_intervention) {
  const FakeStudy study =
      study_of(text_document(10, 40, 2), 3, "word_perplexity;byte_perplexity;bits_per_byte");
  StudyStore store = StudyStore::open(path, study.settings, study.documents);
  store.set_plan({study.runs[0].intervention, study.runs[1].intervention});
  Cohort cohort;
  for (int64_t run = 0; run < 2; ++run) {
    for (int64_t d = 0; d < 3; ++d) {
      StoredResult result;
      result.document = d;
      result.log_likelihoods = {run == 0 ? -20.0f : under_intervention};
      for (int s = 0; s < 2; ++s) {
        result.masks.push_back(run == 0 ? mask_of({}) : mask_of({{1, 3}}));
        if (run == 0) result.stats.push_back(fake_stats(study, d));
      }
      cohort.emplace_back(run, result);
    }
  }
  store.add(cohort);
  return store;
}

class Kinds : public testing::Test {
 protected:
  std::vector<std::string> csv_lines(const StudyStore& store, const std::string& name) {
    export_csv(store, folder_ / "csv");
    return lines_of(folder_ / "csv" / name);
  }
  TempFolder folder_;
};

TEST_F(Kinds, WrittenAnswersCountByForwardPass) {
  const StudySummary summary = summarize(written_study(folder_ / "a.db"));
  EXPECT_EQ(summary.metric, Metric::exact_match_strict);
  EXPECT_THAT(summary.metrics, ElementsAre(Metric::exact_match_strict, Metric::exact_match_flexible));
  EXPECT_TRUE(summary.generates);
  EXPECT_EQ(summary.questions, 10);
  EXPECT_EQ(summary.chance, 0);
  EXPECT_EQ(summary.baseline_value().value, 0.8);
  EXPECT_EQ(value_of(summary.baseline, Metric::exact_match_flexible).value, 0.9);
  const CurveEntry& point = summary.scores.at(0).points.at(0);
  EXPECT_EQ(point.frequency.passes, 40);
  EXPECT_EQ(point.frequency.count({0, 0}), 10);
  EXPECT_EQ(point.frequency.count({1, 3}), 40);
  EXPECT_DOUBLE_EQ(point.percent_off, 100 * 50 / (40.0 * 8));
  EXPECT_EQ(value_of(point.values, Metric::exact_match_strict).value, 0.7);
}

TEST_F(Kinds, WrittenAnswersAreShownAsRightAnswers) {
  const StudySummary summary = summarize(written_study(folder_ / "a.db"));
  const std::string text = show(summary, {.curves = true, .subjects = true, .heat_map = "ahon_ln@10%"});
  EXPECT_THAT(text,
              HasSubstr("10 questions. With all heads on the model gets 80.0 % ± 13.3 (standard error)\n"
                        "right (exact_match,strict-match)."));
  EXPECT_THAT(text, Not(HasSubstr("guessing")));
  EXPECT_THAT(text, HasSubstr("right answers within 1 point"));
  EXPECT_THAT(text, HasSubstr("Right answers in percent @ percent of heads off"));
  EXPECT_THAT(text, HasSubstr("in percent of 40 forward passes"));
  EXPECT_THAT(text, HasSubstr("questions  exact_match,strict-match"));
  EXPECT_THAT(text, HasSubstr("70.0 @ 15.6"));
}

TEST_F(Kinds, NothingRightProvesNothing) {
  const StudyStore store = written_study(folder_ / "a.db", 0);
  EXPECT_THAT(show(summarize(store), {}), HasSubstr("Beware: that is not surely more than none"));
}

TEST_F(Kinds, WrittenAnswersAreExported) {
  const StudyStore store = written_study(folder_ / "a.db");
  const auto documents = csv_lines(store, "documents.csv");
  EXPECT_THAT(documents[0], testing::EndsWith(",truncated,response,prediction_strict,correct_strict,"
                                              "prediction_flexible,correct_flexible"));
  EXPECT_EQ(documents[1], "0,quiz,,0,0,,1,9,0,\"I think, \"\"#### 5\"\"\",5,1,5,1");
  EXPECT_EQ(documents[10], "9,quiz,,9,0,,1,9,0,it is 5,[invalid],0,5,1");
  const auto curves = csv_lines(store, "curves.csv");
  EXPECT_THAT(
      curves[0],
      testing::HasSubstr(
          ",questions,exact_match_strict_match,exact_match_strict_match_stderr,"
          "exact_match_flexible_extract,exact_match_flexible_extract_stderr,interval_low,interval_high,"
          "difference,difference_low,difference_high,mcnemar_p,changed,lost,won,loss_bound,kl_bound,log_"
          "likelihood_change_mean,"));
  EXPECT_THAT(curves[2], testing::StartsWith("ahon_ln,0.1,0.25,15.625,10,0.7,"));
  const json out = json::parse(study_json(store));
  EXPECT_EQ(out["summary"]["metric"], "exact_match,strict-match");
  EXPECT_EQ(out["summary"]["baseline"]["exact_match,flexible-extract"]["value"], 0.9);
  EXPECT_TRUE(out["summary"]["chance"].is_null());
}

TEST_F(Kinds, WrittenAnswersAsArrays) {
  export_npz(written_study(folder_ / "a.db"), folder_ / "a.npz");
  auto members = unzip(read_file(folder_ / "a.npz"));
  EXPECT_THAT(npy_header(members["stats.npy"]), HasSubstr("(10, 2, 4, 10)"));
  EXPECT_THAT(npy_header(members["masks_1.npy"]), HasSubstr("(20, 2, 4)"));
  const auto documents = npy_data<int64_t>(members["mask_document_1.npy"]);
  EXPECT_THAT(std::vector<int64_t>(documents.begin(), documents.begin() + 4), ElementsAre(0, 0, 1, 1));
  const auto passes = npy_data<int64_t>(members["mask_passes_1.npy"]);
  EXPECT_THAT(std::vector<int64_t>(passes.begin(), passes.begin() + 4), ElementsAre(3, 1, 3, 1));
  EXPECT_EQ(npy_data<int64_t>(members["document_gold.npy"])[0], -1);
}

TEST_F(Kinds, PerplexityIsWithinAPointUpToOnePercent) {
  for (const auto& [under, within] : {std::pair{-20.09f, true}, {-20.11f, false}, {-15.0f, true}}) {
    const StudySummary summary = summarize(text_study(folder_ / fmt::format("{}.db", under), under));
    EXPECT_EQ(summary.metric, Metric::word_perplexity);
    EXPECT_EQ(summary.questions, 3);
    EXPECT_NEAR(summary.baseline_value().value, std::exp(2.0), 1e-9);
    EXPECT_EQ(summary.scores.at(0).proven.has_value(), within) << under;
    const double expected = within ? 12.5 : 12.5 * 100 / 110;
    EXPECT_NEAR(summary.scores[0].inactive_percent.value(), expected, 0.01) << under;
    EXPECT_NEAR(summary.scores[0].auc.value(), -100 * (2 - under / 10) / 2, 0.01);
  }
}

TEST_F(Kinds, TextsAreShownWithTheirPerplexity) {
  const std::string text =
      show(summarize(text_study(folder_ / "a.db", -20.05f)), {.curves = true, .subjects = true});
  EXPECT_THAT(text, HasSubstr("3 texts. With all heads on the word perplexity is 7.389.\n"));
  EXPECT_THAT(text, HasSubstr("tested  word perplexity"));
  EXPECT_THAT(text, HasSubstr("word perplexity at most 1 % above"));
  EXPECT_THAT(text, HasSubstr("7.426 @ 12.5"));
  EXPECT_THAT(text, HasSubstr("subject  texts  word_perplexity"));
  EXPECT_THAT(text, Not(HasSubstr("Note: with")));
  EXPECT_THAT(text, Not(HasSubstr("Beware")));
}

TEST_F(Kinds, TextsAreExported) {
  const StudyStore store = text_study(folder_ / "a.db", -20.5f);
  EXPECT_EQ(csv_lines(store, "documents.csv")[1], "0,quiz,,0,0,,2,30,0,10,40,-20");
  EXPECT_THAT(csv_lines(store, "curves.csv")[2], testing::StartsWith("ahon_ln,0.1,0.25,12.5,3,7.767"));
  export_npz(store, folder_ / "a.npz");
  auto members = unzip(read_file(folder_ / "a.npz"));
  EXPECT_THAT(npy_data<float>(members["log_likelihoods.npy"]),
              ElementsAre(-20, -20, -20, -20.5f, -20.5f, -20.5f));
  EXPECT_THAT(npy_data<int64_t>(members["document_words.npy"]), ElementsAre(10, 10, 10));
  EXPECT_THAT(npy_data<int64_t>(members["document_bytes.npy"]), ElementsAre(40, 40, 40));
  EXPECT_THAT(npy_header(members["masks_1.npy"]), HasSubstr("(6, 2, 4)"));
  EXPECT_FALSE(members.contains("mask_passes_1.npy"));
}

TEST_F(Kinds, UnknownMetricIsAnError) {
  FakeStudy study = small_study();
  study.settings["task.metrics"] = "bleu;acc";
  EXPECT_THAT(error_of([&] { summarize(store_study(study, folder_ / "a.db")); }),
              HasSubstr("unknown metric 'bleu' in its settings"));
}

TEST_F(Kinds, SettingsOfNewStudiesCountBeforeThoseOfOldOnes) {
  FakeStudy study = small_study();
  study.settings["task.metrics"] = "acc_norm;acc";
  EXPECT_EQ(summarize(store_study(study, folder_ / "a.db")).metric, Metric::acc_norm);
}

}  // namespace
}  // namespace idleheads
