#include "report/page/report_json.h"

#include <fmt/format.h>

#include <cmath>

#include "report/changed_study.h"
#include "report/numbers/model_curves.h"

namespace idleheads {
namespace {

using nlohmann::json;
using testing::HasSubstr;
using testing::StartsWith;

class ReportJson : public testing::Test {
 protected:
  // As the page gets it: written and read again.
  json of(LoadedStudy study) {
    std::vector<LoadedStudy> studies;
    studies.push_back(std::move(study));
    return of(studies);
  }
  json of(const std::vector<LoadedStudy>& studies) { return json::parse(report_json(studies).dump()); }
  json study_of(const FakeStudy& study, std::vector<int> finished = {}) {
    return of(load(study, next_path(), std::move(finished))).at("studies").at(0);
  }
  std::filesystem::path next_path() { return folder_ / fmt::format("study {}.db", number_++); }

 private:
  TempFolder folder_;
  int number_ = 0;
};

TEST_F(ReportJson, Overview) {
  FakeStudy small = small_study();
  small.settings["info.model"] = "/models/org/tiny.gguf";
  const json out = of(load(small, next_path()));
  EXPECT_EQ(out.at("terms").at("tolerance"), 1);
  EXPECT_EQ(out.at("comparisons"), json::array());
  const json study = out.at("studies").at(0);
  EXPECT_EQ(study.at("file"), "study 0.db");
  EXPECT_EQ(study.at("model"), "tiny.gguf");
  EXPECT_EQ(study.at("task"), "quiz");
  EXPECT_EQ(study.at("layers"), 2);
  EXPECT_EQ(study.at("heads"), 4);
  EXPECT_EQ(study.at("metric"), "acc");
  EXPECT_EQ(study.at("is_share"), true);
  EXPECT_EQ(study.at("documents"), 200);
  EXPECT_EQ(study.at("questions"), 200);
  EXPECT_EQ(study.at("samples"), 200);
  EXPECT_EQ(study.at("chance"), 50);
  EXPECT_EQ(study.at("baseline"), 80);
  EXPECT_NEAR(study.at("baseline_error").get<double>(), 100 * std::sqrt(0.8 * 0.2 / 198), 1e-9) << "pooled";
  EXPECT_EQ(study.at("baseline_height"), 80);
  EXPECT_NEAR(study.at("baseline_interval").at(0).get<double>(), 73.91448, 1e-4);
  EXPECT_NEAR(study.at("baseline_interval").at(1).get<double>(), 84.95480, 1e-4);
  EXPECT_EQ(study.at("best"), "ahon_ln");
  EXPECT_EQ(study.at("settings").at("dtype"), "f32");
  EXPECT_EQ(study.at("missing"), json::array());
  EXPECT_TRUE(study.at("kv").is_null()) << "the study does not tell the number of groups";
}

TEST_F(ReportJson, WordsAndLooksOfScoresAndStatistics) {
  std::vector<LoadedStudy> studies;
  for (int i = 0; i < 7; ++i) studies.push_back(load(small_study(), next_path()));
  const json out = json::parse(report_json(studies).dump());
  EXPECT_EQ(out.at("statistics").size(), 10u);
  EXPECT_EQ(out.at("statistics").at("first_weight"), "mean weight on the first token");
  EXPECT_EQ(out.at("statistics").at("top_position"), "position of the token with the largest mean weight");
  std::set<json> styles;
  for (const json& score : out.at("scores")) {
    styles.insert(score.at("style"));
    if (score.at("slug") == "ftvvn") {
      EXPECT_EQ(score.at("style"), json::parse(R"({"light": "#00835c", "dark": "#1fc795", "dash": [4.5, 2.2],
                                                   "mark": "M5 0L10 9L0 9Z"})"));
    }
  }
  EXPECT_EQ(styles.size(), out.at("scores").size());
  styles.clear();
  for (const json& study : out.at("studies")) styles.insert(study.at("style"));
  EXPECT_EQ(styles.size(), 7u);
}

TEST_F(ReportJson, ScoresAndPoints) {
  const json scores = study_of(small_study()).at("scores");
  ASSERT_EQ(scores.size(), 3u);
  const json& ahon = scores[1];
  EXPECT_EQ(ahon.at("slug"), "ahon_ln");
  EXPECT_EQ(ahon.at("inactive"), 25);
  EXPECT_EQ(ahon.at("area"), 80.375);
  EXPECT_EQ(ahon.at("proven"), 1);
  EXPECT_EQ(ahon.at("sure"), 0) << "200 questions are too few";
  EXPECT_EQ(ahon.at("first_crossing"), 25);
  EXPECT_EQ(ahon.at("inactive_interval").size(), 2u);
  ASSERT_EQ(ahon.at("points").size(), 2u);
  const json& point = ahon.at("points")[1];
  EXPECT_EQ(point.at("share"), 0.25);
  EXPECT_EQ(point.at("rule"), "ahon_ln<0.52");
  EXPECT_EQ(point.at("threshold"), 0.52);
  EXPECT_EQ(point.at("percent"), 25);
  EXPECT_EQ(point.at("value"), 79.5);
  EXPECT_EQ(point.at("height"), 79.5);
  EXPECT_EQ(point.at("passes"), 200);
  EXPECT_EQ(point.at("off"), json::parse("[50, 0, 0, 0, 50, 0, 0, 100]"));
  EXPECT_NEAR(point.at("interval").at(0).get<double>(), 73.37430, 1e-4);
  EXPECT_EQ(point.at("lost"), 1);
  EXPECT_EQ(point.at("won"), 0);
  EXPECT_EQ(point.at("mcnemar"), 1);
  EXPECT_NEAR(point.at("difference").get<double>(), -0.5, 1e-9);
  EXPECT_NEAR(point.at("difference_interval").at(0).get<double>(), -1.5, 1e-9);
  EXPECT_EQ(scores[2].at("slug"), "random");
  EXPECT_TRUE(scores[2].at("proven").is_null());
}

TEST_F(ReportJson, ProfilesAttentionAndLayers) {
  const json study = study_of(small_study());
  ASSERT_EQ(study.at("profiles").size(), 15u);
  const json& awft = study.at("profiles")[0];
  EXPECT_EQ(awft.at("slug"), "awft");
  EXPECT_EQ(awft.at("mean"), json::parse("[0.625, 0.75, 0.875, 1.0, 1.125, 1.25, 1.375, 1.5]"));
  EXPECT_EQ(awft.at("deviation")[0], 0.5013) << "four digits of sqrt(50 / 199)";
  EXPECT_EQ(awft.at("subject_deviation")[7], 0.7071);
  EXPECT_EQ(awft.at("quantiles")[0],
            json::parse("[0.125, 0.125, 0.125, 0.125, 0.125, 0.625, 1.125, 1.125, 1.125, 1.125, 1.125]"));
  EXPECT_EQ(awft.at("overall").size(), 101u);
  EXPECT_EQ(study.at("attention").at("first_weight")[0], 0.625);
  EXPECT_EQ(study.at("attention").at("entropy")[0], 1.625);
  EXPECT_EQ(study.at("attention").at("place"), json(std::vector<std::string>(8, "first token")));
  EXPECT_EQ(study.at("by_layer").at("off"), json::parse("[12.5, 37.5]"));
  EXPECT_EQ(study.at("by_layer").at("first_weight"), json::parse("[0.8125, 1.312]"))
      << "1.3125 to four digits";
  EXPECT_EQ(study.at("by_layer").size(), 8u);
}

TEST_F(ReportJson, KvGroups) {
  FakeStudy small = small_study();
  small.settings["model.kv_heads"] = "2";
  small.settings["info.head_dim"] = "64";
  small.runs[4].off = {{1, 2}, {1, 3}};
  small.runs[4].half = {{0, 0}, {0, 1}};
  const json kv = study_of(small).at("kv");
  EXPECT_EQ(kv.at("kv_heads"), 2);
  EXPECT_EQ(kv.at("head_dim"), 64);
  EXPECT_EQ(kv.at("mean_groups"), 1.5);
  EXPECT_EQ(kv.at("always"), json::parse("[[1, 1]]"));
  EXPECT_EQ(kv.at("off"), json::parse("[50, 0, 0, 100]"));
  // Keys and values of 64 numbers of two bytes: 256 bytes a group.
  EXPECT_EQ(kv.at("bytes"), json::parse(R"({"all": 1024, "mean_off": 384, "always_off": 256})"));
  small.settings.erase("info.head_dim");
  const json without = study_of(small).at("kv");
  EXPECT_TRUE(without.at("head_dim").is_null());
  EXPECT_TRUE(without.at("bytes").is_null());
}

TEST_F(ReportJson, AgreementAndSubjects) {
  FakeStudy small = small_study();
  small.runs[2].off = {{1, 3}, {0, 0}};
  small.runs[6].off = {};
  const json study = study_of(small);
  EXPECT_EQ(study.at("agreement"), json::parse(R"({"share": 0.25, "scores": ["awft", "ahon_ln", "random"],
                            "iou": [[1, 0.6, 0], [0.6, 1, 0], [0, 0, null]]})"));
  const json& subjects = study.at("subjects");
  EXPECT_EQ(subjects.at("rule"), "ahon_ln@25%");
  ASSERT_EQ(subjects.at("rows").size(), 5u);
  const json& row = subjects.at("rows")[2];
  EXPECT_EQ(row.at("name"), "cooking, \"fine\"");
  EXPECT_EQ(row.at("depth"), 2);
  EXPECT_EQ(row.at("is_subject"), true);
  EXPECT_EQ(row.at("n"), 100);
  EXPECT_EQ(row.at("value"), 80);
  EXPECT_EQ(row.at("under_rule"), 79);
  EXPECT_NEAR(row.at("error").get<double>(), 100 * std::sqrt(0.8 * 0.2 / 99), 1e-9);
}

TEST_F(ReportJson, UnfinishedStudy) {
  const json study = study_of(small_study(), {-1, -1, -1, -1, 7, 0, 0});
  EXPECT_EQ(study.at("missing"), json::parse(R"([{"name": "ahon_ln@25%", "done": 7, "documents": 200},
                                                 {"name": "random@10%", "done": 0, "documents": 200},
                                                 {"name": "random@25%", "done": 0, "documents": 200}])"));
  EXPECT_EQ(study.at("scores")[1].at("points").size(), 1u);
  EXPECT_TRUE(study.at("scores")[2].at("inactive").is_null());
  EXPECT_EQ(study.at("scores")[2].at("points"), json::array());
  EXPECT_EQ(study.at("subjects").at("rule"), "ahon_ln@10%");
}

TEST_F(ReportJson, UnfinishedBaseline) {
  const json study = study_of(small_study(), {150, 0, 0, 0, 0, 0, 0});
  EXPECT_EQ(study.at("baseline"), 100) << "of what is finished";
  EXPECT_EQ(study.at("profiles").size(), 15u);
  EXPECT_TRUE(study.at("best").is_null());
  EXPECT_TRUE(study.at("agreement").is_null());
  EXPECT_FALSE(study.at("scores")[0].contains("inactive_interval"));
  EXPECT_EQ(study.at("missing")[0].at("name"), "baseline");
  EXPECT_EQ(study.at("subjects").at("rule"), "");
  EXPECT_FALSE(study.at("subjects").at("rows")[0].contains("under_rule"));
}

TEST_F(ReportJson, ScoreOnlyStudy) {
  const json study = study_of(score_only_study());
  EXPECT_EQ(study.at("scores"), json::array());
  EXPECT_EQ(study.at("profiles").size(), 15u);
  EXPECT_TRUE(study.at("best").is_null());
  EXPECT_TRUE(study.at("kv").is_null());
  EXPECT_EQ(study.at("by_layer").at("off"), json::parse("[0, 0]"));
  EXPECT_EQ(study.at("baseline_interval").size(), 2u);
}

TEST_F(ReportJson, NoResultsYet) {
  for (const FakeStudy& empty : {score_only_study(), small_study()}) {
    const json study = study_of(empty, std::vector<int>(empty.runs.size(), 0));
    EXPECT_EQ(study.at("profiles"), json::array());
    for (const char* key : {"baseline", "baseline_error", "baseline_height", "baseline_interval", "best",
                            "attention", "by_layer", "kv", "agreement"})
      EXPECT_TRUE(study.at(key).is_null()) << key;
    EXPECT_EQ(study.at("documents"), 200);
    EXPECT_EQ(study.at("missing")[0], json::parse(R"({"name": "baseline", "done": 0, "documents": 200})"));
  }
  FakeStudy none = small_study();
  none.documents.clear();
  EXPECT_EQ(study_of(none).at("questions"), 0);
}

TEST_F(ReportJson, TextsWithoutQuestions) {
  FakeStudy texts = score_only_study();
  for (StoredDocument& document : texts.documents) document.choice_lengths.clear();
  const json study = study_of(texts);
  EXPECT_EQ(study.at("questions"), 0);
  EXPECT_TRUE(study.at("chance").is_null());
  EXPECT_TRUE(study.at("baseline").is_null());
  EXPECT_EQ(study.at("profiles").size(), 15u);
}

TEST_F(ReportJson, Perplexities) {
  const json study = of(load_texts(next_path(), -20, -20.05f)).at("studies")[0];
  EXPECT_EQ(study.at("metric"), "word_perplexity");
  EXPECT_EQ(study.at("is_share"), false);
  EXPECT_NEAR(study.at("baseline").get<double>(), std::exp(2), 1e-9);
  EXPECT_NEAR(study.at("baseline_height").get<double>(), -200, 1e-9);
  EXPECT_TRUE(study.at("baseline_error").is_null());
  EXPECT_TRUE(study.at("baseline_interval").is_null());
  EXPECT_TRUE(study.at("chance").is_null());
  EXPECT_EQ(study.at("samples"), 6);
  const json& point = study.at("scores")[0].at("points")[0];
  EXPECT_NEAR(point.at("value").get<double>(), std::exp(2.005), 1e-5);
  EXPECT_NEAR(point.at("height").get<double>(), -200.5, 1e-3);
  EXPECT_TRUE(point.at("interval").is_null());
  EXPECT_TRUE(point.at("mcnemar").is_null());
  EXPECT_NEAR(point.at("difference").get<double>(), -0.5, 1e-3);
}

// A log-likelihood may be -inf: what has no number then is null, not text that a page cannot read.
TEST_F(ReportJson, EndlessPerplexity) {
  const json study = of(load_texts(next_path(), -20, -INFINITY)).at("studies")[0];
  const json& score = study.at("scores")[0];
  EXPECT_TRUE(score.at("points")[0].at("value").is_null());
  EXPECT_TRUE(score.at("points")[0].at("height").is_null());
  EXPECT_TRUE(score.at("proven").is_null());
}

TEST_F(ReportJson, WrittenAnswers) {
  const json study = of(load_answers(next_path())).at("studies")[0];
  EXPECT_EQ(study.at("metric"), "exact_match,strict-match");
  EXPECT_EQ(study.at("baseline"), 80);
  EXPECT_TRUE(study.at("chance").is_null());
  EXPECT_TRUE(study.at("agreement").is_null());
  EXPECT_EQ(study.at("scores")[0].at("points")[0].at("passes"), 40);
}

TEST_F(ReportJson, TheFirstStudyIsComparedWithTheOthers) {
  FakeStudy finetuned = small_study(), other_task = small_study();
  finetuned.settings["info.model"] = "finetuned.gguf";
  other_task.settings["task.name"] = "arithmetic";
  std::vector<LoadedStudy> studies;
  studies.push_back(load(small_study(), next_path()));
  studies.push_back(load(finetuned, next_path()));
  studies.push_back(load(other_task, next_path()));
  const json out = of(studies);
  ASSERT_EQ(out.at("studies").size(), 3u);
  ASSERT_EQ(out.at("comparisons").size(), 2u);
  const json& compared = out.at("comparisons")[0];
  EXPECT_EQ(compared.at("models"), json::parse(R"(["tiny", "finetuned.gguf"])"));
  EXPECT_FALSE(compared.contains("refused"));
  EXPECT_EQ(compared.at("documents"), 200);
  EXPECT_EQ(compared.at("scores").size(), 15u);
  EXPECT_EQ(compared.at("changed_heads").size(), 2u);
  const json& refused = out.at("comparisons")[1];
  EXPECT_EQ(refused.at("models"), json::parse(R"(["tiny", "tiny"])"));
  EXPECT_THAT(refused.at("refused").get<std::string>(), StartsWith("of different tasks, quiz and arithmetic"))
      << "no paths";
}

TEST_F(ReportJson, TheTableOfScores) {
  const json scores = of(load(score_only_study(), next_path())).at("scores");
  ASSERT_EQ(scores.size(), all_scores().size());
  EXPECT_EQ(scores[0], json::parse(R"({"slug": "awft", "name": "Avg Weight of First Token",
    "meaning": "The weight that a head gives to the first token, averaged over the sequence.",
    "above": true, "relative_to": "none", "random": false, "in_paper": true,
    "style": {"light": "#0063b0", "dark": "#4c95ff", "dash": [4.5, 2.2], "mark": "M5 0A5 5 0 1 1 5 10A5 5 0 1 1 5 0Z"}})"));
  EXPECT_EQ(scores[10].at("slug"), "lthon_hn");
  EXPECT_EQ(scores[10].at("relative_to"), "head");
  EXPECT_EQ(scores[12].at("relative_to"), "layer");
  EXPECT_EQ(scores[15].at("name"), "Random heads (control)");
  EXPECT_EQ(scores[15].at("random"), true);
  EXPECT_EQ(scores[16].at("in_paper"), false);
}

TEST_F(ReportJson, WhenItWasWritten) {
  std::vector<LoadedStudy> studies;
  studies.push_back(load(small_study(), next_path()));
  const json plain = json::parse(report_json(studies).dump());
  EXPECT_TRUE(plain.at("written").is_null());
  EXPECT_TRUE(plain.at("refresh").is_null());
  const json watched = json::parse(report_json(studies, {.written = "now", .refresh_seconds = 7}).dump());
  EXPECT_EQ(watched.at("written"), "now");
  EXPECT_EQ(watched.at("refresh"), 7);
}

TEST_F(ReportJson, Progress) {
  EXPECT_EQ(study_of(small_study()).at("progress"),
            json::parse(R"({"done": 1400, "all": 1400, "is_whole": true})"));
  EXPECT_EQ(study_of(small_study(), {-1, -1, -1, -1, 7, 0, 0}).at("progress"),
            json::parse(R"({"done": 807, "all": 1400, "is_whole": false})"));
}

TEST_F(ReportJson, HeadsOffOnSingleDocuments) {
  const json masks = study_of(small_study()).at("masks");
  EXPECT_EQ(masks.at("rule"), "ahon_ln<0.52");
  ASSERT_EQ(masks.at("documents").size(), 200u);
  EXPECT_EQ(masks.at("documents")[2], "animals 1");
  EXPECT_EQ(masks.at("documents")[3], "cooking, \"fine\" 1");
  EXPECT_EQ(masks.at("heads")[2], "20002002") << "two heads are off in every second document";
  EXPECT_EQ(masks.at("heads")[3], "00000002");
  EXPECT_EQ(masks.at("excerpts"), json::array()) << "the study keeps none";
  EXPECT_TRUE(study_of(score_only_study()).at("masks").is_null());
}

// Of the documents that are shown, which are some of all.
TEST_F(ReportJson, ExcerptsOfDocuments) {
  FakeStudy study = small_study();
  study.documents.resize(0);
  for (int i = 0; i < 400; ++i) {
    study.documents.push_back(fake_document(i));
    study.excerpts.push_back(fmt::format("Question {}?", i));
  }
  const json masks = study_of(study).at("masks");
  ASSERT_EQ(masks.at("excerpts").size(), 200u);
  EXPECT_EQ(masks.at("documents")[1], "animals 1");
  EXPECT_EQ(masks.at("excerpts")[1], "Question 2?");
  EXPECT_EQ(masks.at("excerpts")[199], "Question 398?");
}

// Which part of a document's samples: the second of two has another mask.
TEST_F(ReportJson, HeadsOffInAPartOfADocument) {
  FakeStudy small = small_study();
  for (StoredDocument& document : small.documents) document.samples = 2;
  std::vector<LoadedStudy> studies;
  studies.push_back(load_changed(small, next_path(),
                                 [](size_t, StoredResult& result) { result.masks[1].set(0, 1, true); }));
  const json masks = of(studies).at("studies").at(0).at("masks");
  EXPECT_EQ(masks.at("heads")[3], "01000002");
}

TEST_F(ReportJson, ManyDocumentsAreSampledEvenly) {
  FakeStudy small = small_study();
  for (int d = 200; d < 1000; ++d) small.documents.push_back(fake_document(d));
  const json masks = study_of(small).at("masks");
  ASSERT_EQ(masks.at("documents").size(), 200u);
  EXPECT_EQ(masks.at("documents")[1], "cooking, \"fine\" 2") << "the fifth of a thousand";
}

TEST_F(ReportJson, LargeModelsHaveFewerDocuments) {
  FakeStudy large = small_study();
  large.settings["model.layers"] = "50";
  large.settings["model.heads"] = "60";
  large.layers = 50;
  large.heads = 60;
  const json masks = study_of(large).at("masks");
  ASSERT_EQ(masks.at("heads").size(), 166u) << "of 3,000 digits each, half a million in all";
  EXPECT_EQ(masks.at("heads")[0].get<std::string>().size(), 3000u);
}

TEST_F(ReportJson, RanksOfHeads) {
  const json study = study_of(small_study());
  const json& ranks = study.at("ranks");
  ASSERT_EQ(ranks.size(), study.at("profiles").size());
  // All statistics grow with the head's number: awft calls the last heads inactive, aeqd the first.
  EXPECT_EQ(ranks[0][0], 1);
  EXPECT_EQ(ranks[0][2], -1);
  EXPECT_EQ(ranks[2][0], -1);
}

TEST_F(ReportJson, SeveralStudiesSideBySide) {
  FakeStudy other = small_study();
  other.settings["info.model"] = "other.gguf";
  other.runs.erase(other.runs.begin() + 1, other.runs.begin() + 3);  // without awft
  std::vector<LoadedStudy> studies;
  studies.push_back(load(small_study(), next_path()));
  EXPECT_TRUE(of(studies).at("across").is_null());
  studies.push_back(load(other, next_path()));
  const json across = of(studies).at("across");
  EXPECT_EQ(across.at("scores"), json::parse(R"(["ahon_ln", "random"])"));
  EXPECT_EQ(across.at("best"), "ahon_ln");
  EXPECT_EQ(across.at("rank_correlation").size(), 2u);
  EXPECT_EQ(across.at("top_overlap")[0][1], 0.5) << "awft is one study's alone";
  studies.push_back(load(small_study(), next_path()));
  EXPECT_EQ(of(studies).at("across").at("scores"), json::parse(R"(["ahon_ln", "random"])"));
  studies.erase(studies.begin() + 1);
  EXPECT_EQ(of(studies).at("across").at("scores"), json::parse(R"(["ahon_ln", "awft", "random"])"))
      << "relative to the layer first, random last";
  studies.push_back(load(score_only_study(), next_path()));
  EXPECT_TRUE(of(studies).at("across").at("best").is_null());
}

TEST_F(ReportJson, ThePapersModels) {
  const json paper = of(load(score_only_study(), next_path())).at("paper");
  ASSERT_EQ(paper.size(), 14u);
  EXPECT_EQ(paper[0].at("model"), "Llama-3.2-3B");
  EXPECT_NEAR(paper[0].at("awft").get<double>(), 8.34, 0.005);
  EXPECT_NEAR(paper[0].at("best_other").get<double>(), 8.05, 0.005);
  EXPECT_EQ(paper[0].at("best"), "awft");
  EXPECT_NEAR(paper[0].at("baseline").get<double>(), 56.20282, 1e-4);
  EXPECT_EQ(paper[0].at("curves").size(), 14u);
  EXPECT_EQ(paper[0].at("curves").at("random")[1], json::parse("[5.19, 47.53]")) << "four digits";
}

TEST_F(ReportJson, TheSameEveryTime) {
  std::vector<LoadedStudy> studies;
  studies.push_back(load(small_study(), next_path()));
  EXPECT_EQ(report_json(studies).dump(), report_json(studies).dump());
}

}  // namespace
}  // namespace idleheads
