#include "idleheads/report/compare.h"

#include <fmt/format.h>

#include <cmath>

#include "report/changed_study.h"
#include "report/numbers/json_parts.h"

namespace idleheads {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

const ScoreComparison& score_of(const StudyComparison& comparison, std::string_view slug) {
  for (const ScoreComparison& score : comparison.scores) {
    if (score.score->slug == slug) return score;
  }
  throw std::logic_error("no such score");
}

// The weight on the first token of head i, counted over both layers, from 0.
void set_first_weight(StoredResult& result, const std::function<float(float before, size_t i)>& value) {
  for (SampleStats& stats : result.stats) {
    for (size_t i = 0; i < stats.values.size(); ++i) {
      float& weight = stats.values[i][static_cast<size_t>(Stat::first_weight)];
      weight = value(weight, i);
    }
  }
}

class CompareTest : public testing::Test {
 protected:
  LoadedStudy stored(const FakeStudy& study, std::vector<int> finished = {}) {
    return load(study, next_path(), std::move(finished));
  }
  LoadedStudy changed(const FakeStudy& study, const ChangeResult& change) {
    return load_changed(study, next_path(), change);
  }
  std::string refusal(const LoadedStudy& a, const LoadedStudy& b) {
    return error_of([&] { compare_studies(a, b); });
  }
  std::filesystem::path next_path() { return folder_ / fmt::format("{}.db", number_++); }

 private:
  TempFolder folder_;
  int number_ = 0;
};

TEST_F(CompareTest, AStudyWithItself) {
  const LoadedStudy study = stored(small_study());
  const StudyComparison comparison = compare_studies(study, study);
  EXPECT_EQ(comparison.name_a, "tiny");
  EXPECT_TRUE(comparison.same_shape);
  EXPECT_EQ(comparison.documents, 200);
  EXPECT_EQ(comparison.baseline_a.value, 0.8);
  EXPECT_EQ(comparison.baseline_b.value, 0.8);
  EXPECT_THAT(comparison.differences, IsEmpty());
  ASSERT_EQ(comparison.scores.size(), 15u);
  for (const ScoreComparison& score : comparison.scores) {
    EXPECT_EQ(score.distance.kolmogorov_smirnov, 0) << score.score->slug;
    EXPECT_EQ(score.distance.wasserstein, 0) << score.score->slug;
    ASSERT_EQ(score.layers.size(), 2u);
    EXPECT_EQ(score.layers[1].kolmogorov_smirnov, 0) << score.score->slug;
    EXPECT_NEAR(score.head_correlation.value(), 1, 1e-12) << score.score->slug;
    EXPECT_EQ(score.inactive_a, score.inactive_b);
  }
  EXPECT_EQ(score_of(comparison, "ahon_ln").inactive_a, 25);
  EXPECT_EQ(score_of(comparison, "awft").inactive_b, 12.5);
  EXPECT_EQ(score_of(comparison, "aeqd").inactive_a, std::nullopt) << "not tested";
  ASSERT_EQ(comparison.changed.size(), 2u) << "random is no rule of the model";
  for (const ChangedHeads& heads : comparison.changed) {
    EXPECT_THAT(heads.now_off, IsEmpty());
    EXPECT_THAT(heads.now_on, IsEmpty());
  }
  EXPECT_EQ(comparison.changed[0].name, "awft@10%");
  EXPECT_EQ(comparison.changed[0].off_in_both, 1);
  EXPECT_EQ(comparison.changed[1].name, "ahon_ln@25%");
  EXPECT_EQ(comparison.changed[1].rule_a, "ahon_ln<0.52");
  EXPECT_EQ(comparison.changed[1].off_in_both, 3) << "one always, two in half of the documents";
  EXPECT_EQ(comparison.changed[1].on_in_both, 5);
}

// The 16 weights 1/8, 2/8, ..., 2 of 200 samples move by two steps: 2 of 16 steps of the distribution, or 2
// of 8 in a layer.
TEST_F(CompareTest, MovedDistribution) {
  const LoadedStudy a = stored(small_study());
  const LoadedStudy b = changed(small_study(), [](size_t, StoredResult& result) {
    set_first_weight(result, [](float before, size_t) { return before + 0.25f; });
  });
  const StudyComparison comparison = compare_studies(a, b);
  const ScoreComparison& awft = score_of(comparison, "awft");
  EXPECT_NEAR(awft.distance.kolmogorov_smirnov, 2. / 16, 1e-12);
  EXPECT_NEAR(awft.distance.wasserstein, 0.25, 1e-12);
  ASSERT_EQ(awft.layers.size(), 2u);
  EXPECT_NEAR(awft.layers[0].kolmogorov_smirnov, 2. / 8, 1e-12);
  EXPECT_NEAR(awft.layers[0].wasserstein, 0.25, 1e-12);
  EXPECT_NEAR(awft.head_correlation.value(), 1, 1e-12);
  EXPECT_EQ(score_of(comparison, "aeqd").distance.wasserstein, 0);
  EXPECT_GT(score_of(comparison, "awft_ln").distance.wasserstein, 0);
}

// All heads together have the same weights; layer 0 now has those of layer 1, half a unit above, and of the
// eight weights of layer 0 the four of the even documents are all below.
TEST_F(CompareTest, ReversedHeads) {
  const LoadedStudy a = stored(small_study());
  const LoadedStudy b = changed(small_study(), [](size_t, StoredResult& result) {
    set_first_weight(
        result, [](float before, size_t i) { return before + 0.125f * (7 - 2 * static_cast<float>(i)); });
  });
  const ScoreComparison awft = score_of(compare_studies(a, b), "awft");
  EXPECT_EQ(awft.distance.kolmogorov_smirnov, 0);
  EXPECT_EQ(awft.distance.wasserstein, 0);
  for (const CdfDistance& layer : awft.layers) {
    EXPECT_NEAR(layer.kolmogorov_smirnov, 0.5, 1e-12);
    EXPECT_NEAR(layer.wasserstein, 0.5, 1e-12);
  }
  EXPECT_NEAR(awft.head_correlation.value(), -1, 1e-12);
}

TEST_F(CompareTest, ScoresWithoutNumbers) {
  const auto without_outputs = [](size_t, StoredResult& result) {
    for (SampleStats& stats : result.stats) {
      for (HeadStats& head : stats.values) head[static_cast<size_t>(Stat::output_norm)] = 0;
    }
  };
  const LoadedStudy a = stored(small_study()), b = changed(small_study(), without_outputs);
  const StudyComparison comparison = compare_studies(a, b);
  EXPECT_TRUE(std::isnan(score_of(comparison, "ahon_ln").distance.wasserstein));
  EXPECT_EQ(score_of(comparison, "ahon_ln").head_correlation, std::nullopt);
  EXPECT_EQ(score_of(comparison, "ahon").distance.kolmogorov_smirnov, 1);
  const std::string text = show_comparison(a.summary, b.summary, comparison, {});
  EXPECT_THAT(text, testing::ContainsRegex("\nahon_ln +- +- +- +- +25.0 % +25.0 %\n"));
  EXPECT_THAT(text, Not(HasSubstr("nan")));
  const auto written = nlohmann::json::parse(comparison_json(comparison).dump());
  EXPECT_EQ(written.at("scores").at(12).at("score"), "ahon_ln");
  EXPECT_TRUE(written.at("scores")[12].at("ks").is_null());
}

TEST_F(CompareTest, ChangedHeads) {
  FakeStudy other = small_study();
  other.runs[4] = {{"ahon_ln", 0.25, "ahon_ln<0.6"}, 159, {{1, 3}, {0, 2}}, {{0, 0}}};
  const LoadedStudy a = stored(small_study()), b = stored(other);
  const ChangedHeads heads = compare_studies(a, b).changed.at(1);
  EXPECT_EQ(heads.name, "ahon_ln@25%");
  EXPECT_EQ(heads.rule_a, "ahon_ln<0.52");
  EXPECT_EQ(heads.rule_b, "ahon_ln<0.6");
  EXPECT_THAT(heads.now_off, ElementsAre(HeadId{0, 2}));
  EXPECT_THAT(heads.now_on, ElementsAre(HeadId{1, 0}));
  EXPECT_EQ(heads.off_in_both, 2);
  EXPECT_EQ(heads.on_in_both, 4);
  const ChangedHeads back = compare_studies(b, a).changed.at(1);
  EXPECT_THAT(back.now_off, ElementsAre(HeadId{1, 0}));
  EXPECT_THAT(back.now_on, ElementsAre(HeadId{0, 2}));
}

TEST_F(CompareTest, ChangedHeadsNeedACommonShare) {
  FakeStudy other = small_study();
  other.runs[4].intervention.share = 0.3;  // 25 % is proven in the first study
  other.runs[1].intervention.share = 0.05;
  other.runs[2].intervention.share = 0.3;
  const LoadedStudy a = stored(small_study()), b = stored(other);
  const StudyComparison comparison = compare_studies(a, b);
  ASSERT_EQ(comparison.changed.size(), 1u) << "awft has none";
  EXPECT_EQ(comparison.changed[0].name, "ahon_ln@10%");
}

TEST_F(CompareTest, OtherNumberOfHeads) {
  FakeStudy narrow = score_only_study();
  narrow.heads = 2;
  narrow.settings["model.heads"] = "2";
  const LoadedStudy a = stored(small_study()), b = stored(narrow);
  const StudyComparison comparison = compare_studies(a, b);
  EXPECT_FALSE(comparison.same_shape);
  EXPECT_THAT(comparison.changed, IsEmpty());
  // 1/8 to 1 against 1/8 to 1/2, and each one more in odd documents.
  const ScoreComparison& awft = score_of(comparison, "awft");
  EXPECT_EQ(awft.head_correlation, std::nullopt);
  EXPECT_NEAR(awft.distance.kolmogorov_smirnov, 0.25, 1e-12);
  EXPECT_NEAR(awft.distance.wasserstein, 0.25, 1e-12);
  // Layer 0: 1/8 to 1/2 against 1/8 and 2/8. Layer 1: 5/8 to 1 against 3/8 and 4/8.
  ASSERT_EQ(awft.layers.size(), 2u);
  EXPECT_NEAR(awft.layers[0].wasserstein, 0.125, 1e-12);
  EXPECT_NEAR(awft.layers[1].wasserstein, 0.375, 1e-12);
  EXPECT_NEAR(awft.layers[1].kolmogorov_smirnov, 0.5, 1e-12);
  EXPECT_EQ(score_of(comparison, "ahon_ln").inactive_a, 25);
  EXPECT_EQ(score_of(comparison, "ahon_ln").inactive_b, std::nullopt);
  const std::string text = show_comparison(a.summary, b.summary, comparison, {});
  EXPECT_THAT(text, HasSubstr("different shapes"));
  EXPECT_THAT(text, testing::ContainsRegex("\nawft +0\\.250 +0\\.25 +1 \\(0\\.50\\) +- +12\\.5 % +-\n"));
}

TEST_F(CompareTest, OtherNumberOfLayers) {
  FakeStudy shallow = score_only_study();
  shallow.layers = 1;
  shallow.settings["model.layers"] = "1";
  const LoadedStudy a = stored(small_study()), b = stored(shallow);
  const ScoreComparison awft = score_of(compare_studies(a, b), "awft");
  EXPECT_THAT(awft.layers, IsEmpty());
  EXPECT_EQ(awft.head_correlation, std::nullopt);
  EXPECT_NEAR(awft.distance.wasserstein, 0.25, 1e-12);
}

// The numbers of even and odd documents differ, so that the distance over all of them would not be 0.
TEST_F(CompareTest, OverTheDocumentsThatBothHave) {
  FakeStudy limited = small_study();
  limited.documents.resize(3);
  for (FakeRun& run : limited.runs) run.right = 2;
  const LoadedStudy whole = stored(small_study()), few = stored(limited);
  const LoadedStudy unfinished = stored(small_study(), {3, 0, 0, 0, 0, 0, 0});
  for (const LoadedStudy* other : {&few, &unfinished}) {
    const StudyComparison comparison = compare_studies(whole, *other);
    EXPECT_EQ(comparison.documents, 3);
    EXPECT_EQ(comparison.documents_a, 200);
    EXPECT_EQ(comparison.documents_b, other == &few ? 3 : 200);
    EXPECT_EQ(comparison.baseline_a.n, 3);
    EXPECT_EQ(comparison.baseline_a.value, 1) << "all three are right, of 200 four in five";
    EXPECT_EQ(comparison.baseline_b.n, 3);
    EXPECT_DOUBLE_EQ(comparison.baseline_b.value, other == &few ? 2. / 3 : 1);
    EXPECT_EQ(score_of(comparison, "awft").distance.kolmogorov_smirnov, 0);
    EXPECT_NEAR(score_of(comparison, "awft").head_correlation.value(), 1, 1e-12);
    EXPECT_THAT(show_comparison(whole.summary, other->summary, comparison, {}),
                HasSubstr("3 documents in both"));
  }
  EXPECT_THAT(compare_studies(whole, unfinished).changed, IsEmpty());
}

TEST_F(CompareTest, DocumentsAreKnownBySubjectAndNumber) {
  FakeStudy reversed = small_study();
  std::reverse(reversed.documents.begin(), reversed.documents.end());
  for (FakeRun& run : reversed.runs) run.right = 200 - run.right;
  FakeStudy other = small_study();
  for (size_t d = 5; d < other.documents.size(); ++d) other.documents[d].index += 1000;
  EXPECT_EQ(compare_studies(stored(small_study()), stored(reversed)).documents, 200);
  EXPECT_EQ(compare_studies(stored(small_study()), stored(other)).documents, 5);
}

TEST_F(CompareTest, WhatCannotBeCompared) {
  const LoadedStudy a = stored(small_study());
  FakeStudy study = small_study();
  study.settings["task.name"] = "other\x1b task";
  const LoadedStudy other_task = stored(study);
  const std::string tasks = refusal(a, other_task);
  EXPECT_THAT(tasks, HasSubstr("different tasks, quiz and other? task"));
  EXPECT_THAT(tasks, HasSubstr(a.file + " and " + other_task.file));
  study = small_study();
  study.settings["info.metric"] = "acc_norm";
  const LoadedStudy other_metric = stored(study);
  const std::string metrics = refusal(a, other_metric);
  EXPECT_THAT(metrics, HasSubstr("different metrics, acc and acc_norm"));
  EXPECT_THAT(metrics, HasSubstr(other_metric.file));
  study = small_study();
  for (StoredDocument& document : study.documents) document.index += 1000;
  const std::string documents = refusal(a, stored(study));
  EXPECT_THAT(documents, HasSubstr("no finished document in common (200 and 200 are finished)"));
  EXPECT_THAT(documents, HasSubstr(a.file));
  EXPECT_THAT(refusal(a, stored(small_study(), std::vector<int>(7, 0))),
              HasSubstr("(200 and 0 are finished)"));
  EXPECT_THAT(refusal(stored(small_study(), std::vector<int>(7, 0)), a),
              HasSubstr("(0 and 200 are finished)"));
}

TEST_F(CompareTest, SettingsThatDiffer) {
  FakeStudy study = small_study();
  study.settings["dtype"] = "bf16";
  study.settings["info.model"] = "org/tiny\x1b[2J/";
  study.settings.erase("seed");
  study.settings["task.limit"] = "3";
  const LoadedStudy a = stored(small_study()), b = stored(study);
  const StudyComparison comparison = compare_studies(a, b);
  EXPECT_EQ(comparison.name_b, "tiny?[2J");
  EXPECT_THAT(comparison.differences, ElementsAre("dtype: f32, bf16", "info.model: tiny, org/tiny?[2J/",
                                                  "seed: 1234, -", "task.limit: -, 3"));
  const std::string text = show_comparison(a.summary, b.summary, comparison, {});
  EXPECT_THAT(text, HasSubstr("\nTask quiz; 200 documents in both.\n"
                              "Settings that differ:\n  dtype: f32, bf16\n  info.model: tiny, org/tiny?[2J/\n"
                              "  seed: 1234, -\n  task.limit: -, 3\n\nscore "));
  EXPECT_THAT(text, Not(HasSubstr("\x1b")));
}

TEST_F(CompareTest, Text) {
  FakeStudy study = small_study();
  study.settings["info.model"] = "models/tiny-b.gguf";
  study.runs[0].right = 150;
  study.runs[4] = {{"ahon_ln", 0.25, "ahon_ln<0.6"}, 149, {{1, 3}, {0, 2}}, {{0, 0}}};
  const LoadedStudy a = stored(small_study());
  const LoadedStudy b = changed(study, [](size_t, StoredResult& result) {
    set_first_weight(result, [](float before, size_t) { return before + 0.25f; });
  });
  const StudyComparison comparison = compare_studies(a, b);
  const std::string text = show_comparison(a.summary, b.summary, comparison, {.curves = true});
  EXPECT_THAT(
      text,
      testing::StartsWith(
          "A: 0.db: tiny (2 layers x 4 heads, accuracy 80.0 % ± 2.8 (standard error) with all heads on)\n"
          "B: 1.db: tiny-b.gguf (2 layers x 4 heads, accuracy 75.0 % ± 3.1 (standard error) with all heads "
          "on)\n"
          "Task quiz; 200 documents in both.\n"));
  EXPECT_THAT(text, testing::ContainsRegex(
                        "\nawft +0\\.125 +0\\.25 +0 \\(0\\.25\\) +1\\.000 +12\\.5 % +[0-9.]+ %\n"));
  const std::string layers = show_layer_distances(comparison, {});
  EXPECT_THAT(layers, testing::ContainsRegex("\nlayer +awft +awft_ln +aeqd .*afhon_ln\n"));
  EXPECT_THAT(layers, testing::ContainsRegex("\n +0 +0\\.25 +[0-9.]+ +0\\.00 "));
  EXPECT_THAT(layers, testing::ContainsRegex("\n +1 +0\\.25 "));
  EXPECT_THAT(text, testing::ContainsRegex("\naeqd +0\\.000 +0 +0 \\(0\\.00\\) +1\\.000 +- +-\n"));
  EXPECT_THAT(text, testing::ContainsRegex("\nahon_ln@25% +2 +1 +1 +4\n"));
  EXPECT_THAT(text, HasSubstr("\nBy ahon_ln@25%, the best score of A (ahon_ln<0.52 in A, ahon_ln<0.6 in B):\n"
                              "  off in A, on in B, 1 head\n    L1H0\n"
                              "  on in A, off in B, 1 head\n    L0H2\n"));
  EXPECT_THAT(
      text,
      HasSubstr("accuracy by target share (each over its own documents; all heads on: 80.0 % and 75.0 %)"));
  EXPECT_THAT(text, testing::ContainsRegex("\nahon_ln +25 % +25\\.0 % +79\\.5 % +31\\.2 % +74\\.5 %\n"));
  EXPECT_THAT(text, Not(HasSubstr("\x1b")));
  EXPECT_THAT(show_comparison(a.summary, b.summary, comparison, {}), Not(HasSubstr("by target share")));
  EXPECT_THAT(show_comparison(a.summary, a.summary, compare_studies(a, a), {}),
              HasSubstr("\n  the same heads\n"));
}

// The best score of A is ahon_ln, which B has not tested.
TEST_F(CompareTest, TextDoesNotCallAnotherScoreTheBest) {
  FakeStudy other = small_study();
  other.runs.erase(other.runs.begin() + 3, other.runs.begin() + 5);
  const LoadedStudy a = stored(small_study()), b = stored(other);
  const std::string text = show_comparison(a.summary, b.summary, compare_studies(a, b), {});
  EXPECT_THAT(text, HasSubstr("awft@10%"));
  EXPECT_THAT(text, Not(HasSubstr("By awft@10%, the best score of A")));
}

TEST_F(CompareTest, Json) {
  FakeStudy study = small_study();
  study.settings["info.model"] = "tiny-b.gguf";
  study.runs[4] = {{"ahon_ln", 0.25, "ahon_ln<0.6"}, 159, {{1, 3}, {0, 2}}, {{0, 0}}};
  const LoadedStudy a = stored(small_study()), b = stored(study);
  const nlohmann::ordered_json json = comparison_json(compare_studies(a, b));
  EXPECT_EQ(json.at("models").dump(), R"(["tiny","tiny-b.gguf"])");
  EXPECT_EQ(json.at("same_shape"), true);
  EXPECT_EQ(json.at("documents"), 200);
  EXPECT_EQ(json.at("baseline").size(), 2u);
  EXPECT_EQ(json.at("baseline")[1].at("n"), 200);
  EXPECT_EQ(json.at("baseline")[1].at("value"), 0.8);
  EXPECT_NEAR(json.at("baseline")[1].at("stderr").get<double>(), std::sqrt(0.8 * 0.2 / 198), 1e-12)
      << "pooled over two subjects";
  EXPECT_EQ(json.at("settings_that_differ").dump(), R"(["info.model: tiny, tiny-b.gguf"])");
  ASSERT_EQ(json.at("scores").size(), 15u);
  const nlohmann::ordered_json& awft = json.at("scores")[0];
  EXPECT_EQ(awft.at("score"), "awft");
  EXPECT_EQ(awft.at("ks"), 0);
  EXPECT_EQ(awft.at("wasserstein"), 0);
  EXPECT_EQ(awft.at("layers").size(), 2u);
  EXPECT_EQ(awft.at("layers")[1].at("ks"), 0);
  EXPECT_NEAR(awft.at("head_correlation").get<double>(), 1, 1e-12);
  EXPECT_EQ(awft.at("largest_inactive_percent").dump(), "[12.5,12.5]");
  EXPECT_EQ(json.at("scores")[2].at("largest_inactive_percent").dump(), "[null,null]")
      << "aeqd is not tested";
  ASSERT_EQ(json.at("changed_heads").size(), 2u);
  EXPECT_EQ(json.at("changed_heads")[1].dump(),
            R"({"rule":"ahon_ln@25%","rules":["ahon_ln<0.52","ahon_ln<0.6"],"off_in_both":2,"on_in_both":4,)"
            R"("off_only_in_first":["L1H0"],"off_only_in_second":["L0H2"]})");
}

TEST_F(CompareTest, Perplexities) {
  const LoadedStudy a = load_texts(next_path(), -20, -20), b = load_texts(next_path(), -30, -30);
  const StudyComparison comparison = compare_studies(a, b);
  EXPECT_EQ(comparison.documents, 3);
  const std::string text = show_comparison(a.summary, b.summary, comparison, {.curves = true});
  EXPECT_THAT(text, HasSubstr("word perplexity 7.389 with all heads on"));
  EXPECT_THAT(
      text,
      HasSubstr(
          "word perplexity by target share (each over its own documents; all heads on: 7.389 and 20.09)"));
}

}  // namespace
}  // namespace idleheads
