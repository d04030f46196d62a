// The paper's tables as text and JSON, from the results that are built into the program.
// tests/analysis/paper_test.cc has the definitions.
#include <fmt/format.h>

#include <cmath>
#include <nlohmann/json.hpp>
#include <sstream>

#include "report/numbers/model_curves.h"
#include "report/report_fixture.h"
#include "report/terminal/paper.h"
#include "strings/display_width.h"

namespace idleheads {
namespace {

constexpr int kWidth = 120;

using nlohmann::json;
using testing::HasSubstr;

double two_decimals(double value) { return std::round(value * 100) / 100; }

class PaperModelsTest : public testing::Test {
 protected:
  PaperModelsTest() : published_(json::parse(read_file(IDLEHEADS_PROJECT_DATA "/paper_results.json"))) {}
  json published_;
  const std::vector<ModelCurves> models_ = paper_models();
};

// Two curves whose numbers are easy.
std::vector<ModelCurves> two_models() {
  ModelCurves a{"first", 60, {}}, b{"second", 50, {}};
  a.curves["random"] = {{0, 60}, {10, 40}};
  a.curves["awft"] = {{0, 60}, {10, 58}};
  a.curves["ahon_ln"] = {{0, 60}, {20, 59.5}};
  b.curves["ahon_ln"] = {{0, 50}, {10, 50}};
  return {a, b};
}

TEST_F(PaperModelsTest, JsonHasTable2) {
  const json out = json::parse(models_json(models_));
  ASSERT_EQ(out.at("table2").size(), 14u);
  for (size_t i = 0; i < 14; ++i) {
    const json& ours = out.at("table2")[i];
    const json& paper = published_.at("table2")[i];
    SCOPED_TRACE(paper.at("model").get<std::string>());
    EXPECT_EQ(ours.at("model"), paper.at("model"));
    for (const char* key : {"awft_percent", "best_other_percent", "difference"})
      EXPECT_EQ(two_decimals(ours.at(key)), paper.at(key).get<double>()) << key;
  }
  const json& mean = out.at("table2_mean");
  for (const char* key : {"awft_percent", "best_other_percent", "difference"})
    EXPECT_EQ(two_decimals(mean.at(key)), published_.at("table2_average").at(key).get<double>()) << key;
  EXPECT_TRUE(mean.at("best_score").is_null());
}

TEST_F(PaperModelsTest, JsonHasTheAreas) {
  const json out = json::parse(models_json(models_));
  EXPECT_EQ(out.at("normalized_auc").size(), 14u);
  int compared = 0;
  for (const auto& [model, areas] : published_.at("normalized_auc").items()) {
    ASSERT_EQ(out.at("normalized_auc").at(model).size(), areas.size()) << model;
    for (const auto& [slug, area] : areas.items()) {
      EXPECT_NEAR(out.at("normalized_auc").at(model).at(slug).get<double>(), area.get<double>(), 0.005)
          << model << " " << slug;
      ++compared;
    }
  }
  EXPECT_EQ(compared, 14 * 14);
}

TEST_F(PaperModelsTest, JsonComparesAllModels) {
  const json out = json::parse(models_json(models_));
  for (const char* key : {"spearman", "top5_iou"}) {
    ASSERT_EQ(out.at(key).size(), 14u);
    for (const auto& [model, row] : out.at(key).items()) {
      ASSERT_EQ(row.size(), 14u);
      EXPECT_NEAR(row.at(model).get<double>(), 1, 1e-12) << model;
      for (const auto& [other, value] : row.items()) EXPECT_EQ(value, out.at(key).at(other).at(model));
    }
  }
  EXPECT_EQ(out.at("ranks").at("Llama-3.2-3B").at("awft"), 1) << "its area is the greatest in the paper";
  EXPECT_EQ(out.at("ranks").at("Llama-3.2-3B").at("avvn"), 13);
  EXPECT_FALSE(out.at("ranks").at("Llama-3.2-3B").contains("random"));
}

TEST_F(PaperModelsTest, TextHasTheRowsOfTable2) {
  const std::string text = show_models(models_, false, kWidth);
  for (size_t i = 0; i < models_.size(); ++i) {
    const json& row = published_.at("table2")[i];
    EXPECT_THAT(text, testing::ContainsRegex(fmt::format(
                          "\n *{} {} +{:.2f} +{:.2f} +{:.2f} +[a-z_]+ ", i + 1,
                          row.at("model").get<std::string>(), row.at("awft_percent").get<double>(),
                          row.at("best_other_percent").get<double>(), row.at("difference").get<double>())));
  }
  EXPECT_THAT(text, testing::ContainsRegex("\n +mean +4\\.61 +12\\.18 +7\\.56\n"));
  EXPECT_THAT(text, testing::ContainsRegex("\n *1 Llama-3\\.2-3B .* awft +Avg Weight of First Token\n"));
  EXPECT_THAT(text, testing::ContainsRegex(
                        "\n *2 Llama-3\\.2-3B-Instruct .* ahon_ln +Avg Head Output Norm \\(LN\\)\n"));
  EXPECT_THAT(text, testing::ContainsRegex("\n +awft +52\\.09 "));
  EXPECT_THAT(text, testing::Not(HasSubstr("\x1b")));
  EXPECT_THAT(text, testing::Not(HasSubstr("afhon"))) << "the paper has no curves of it";
}

TEST(ModelsText, ByHand) {
  const json out = json::parse(models_json(two_models()));
  EXPECT_EQ(
      out.at("table2")[0],
      json::parse(R"({"model": "first", "awft_percent": 5.0, "best_other_percent": 20.0, "difference": 15.0,
                            "best_score": "ahon_ln"})"));
  EXPECT_EQ(
      out.at("table2")[1],
      json::parse(R"({"model": "second", "awft_percent": null, "best_other_percent": 10.0, "difference": null,
                            "best_score": "ahon_ln"})"));
  EXPECT_EQ(
      out.at("table2_mean"),
      json::parse(R"({"model": "mean", "awft_percent": 5.0, "best_other_percent": 15.0, "difference": 15.0,
                            "best_score": null})"));
  EXPECT_EQ(out.at("normalized_auc").at("first"),
            json::parse(R"({"random": 50.0, "awft": 59.0, "ahon_ln": 59.75})"));
  EXPECT_EQ(out.at("ranks").at("first"), json::parse(R"({"awft": 2.0, "ahon_ln": 1.0})"));
  EXPECT_TRUE(out.at("spearman").at("first").at("second").is_null()) << "one score is common";
  EXPECT_EQ(out.at("top5_iou").at("first").at("second"), 0.5);
}

TEST(ModelsText, JsonKeepsTheOrderAndIsTheSameEveryTime) {
  const std::vector<ModelCurves> models = {two_models()[1], two_models()[0]};
  const auto out = nlohmann::ordered_json::parse(models_json(models));
  std::vector<std::string> keys;
  for (const auto& [key, value] : out.items()) keys.push_back(key);
  EXPECT_THAT(
      keys, testing::ElementsAre("table2", "table2_mean", "normalized_auc", "ranks", "spearman", "top5_iou"));
  EXPECT_EQ(out.at("normalized_auc").begin().key(), "second");
  EXPECT_EQ(models_json(models), models_json(models));
}

TEST(ModelsText, WhatIsNotThereIsADash) {
  const std::string text = show_models(two_models(), false, kWidth);
  EXPECT_THAT(text, testing::ContainsRegex(
                        "\n +1 first +5\\.00 +20\\.00 +15\\.00 +ahon_ln +Avg Head Output Norm \\(LN\\)\n"));
  EXPECT_THAT(text, testing::ContainsRegex("\n +2 second +- +10\\.00 +- +ahon_ln "));
  EXPECT_THAT(text, testing::ContainsRegex("\n +awft +59\\.00 +-\n"));
  EXPECT_THAT(text, testing::ContainsRegex("\n +random +50\\.00 +-\n"));
  EXPECT_THAT(text, testing::ContainsRegex("\n +awft +2 +-\n"));
  EXPECT_THAT(text, testing::ContainsRegex("\n +1 first +1\\.00 +0\\.50\n"));
}

TEST(ModelsText, ColorIsBoldAlone) {
  const std::string plain = show_models(two_models(), false, kWidth);
  std::string colored = show_models(two_models(), true, kWidth);
  EXPECT_THAT(colored, testing::ContainsRegex("\x1b\\[1m +mean"));
  for (const std::string code : {"\x1b[1m", "\x1b[0m"}) {
    for (size_t at; (at = colored.find(code)) != std::string::npos;) colored.erase(at, code.size());
  }
  EXPECT_EQ(colored, plain);
}

TEST(ModelsText, AModelWithoutAnyScore) {
  ModelCurves model{"bare", 60, {}};
  model.curves["random"] = {{0, 60}, {10, 20}};
  const json out = json::parse(models_json({model}));
  EXPECT_TRUE(out.at("table2")[0].at("best_score").is_null());
  EXPECT_TRUE(out.at("table2_mean").at("awft_percent").is_null());
  EXPECT_TRUE(out.at("top5_iou").at("bare").at("bare").is_null());
  EXPECT_THAT(show_models({model}, false, kWidth), testing::ContainsRegex("\n +1 bare +- +- +-\n"));
}

// A study is never in the mean, and one of other questions is not in the table either.
TEST(OwnStudies, AreNotInTheMean) {
  std::vector<ModelCurves> models = paper_models();
  const json before = json::parse(models_json(models));
  ModelCurves study = models[0];
  study.model = "mine";
  study.is_study = true;
  models.push_back(study);
  const json beside = json::parse(models_json(models));
  EXPECT_EQ(beside.at("table2").size(), 15u);
  EXPECT_EQ(beside.at("table2_mean"), before.at("table2_mean"));
  EXPECT_FALSE(beside.contains("apart"));
  models.back().apart = "20 of quiz with 0 shots";
  const json apart = json::parse(models_json(models));
  EXPECT_EQ(apart.at("table2"), before.at("table2"));
  EXPECT_EQ(apart.at("spearman"), before.at("spearman"));
  EXPECT_EQ(apart.at("apart")[0].at("model"), "mine");
  EXPECT_EQ(apart.at("apart")[0].at("why"), "20 of quiz with 0 shots");
  EXPECT_THAT(show_models(models, false, kWidth),
              HasSubstr("Apart, as theirs is not the experiment of the models above:\n\n"
                        "  mine: 20 of quiz with 0 shots. By awft 8.34 %, by the best other score ("));
  std::istringstream narrow(show_models(models, false, 80));
  for (std::string line; std::getline(narrow, line);) EXPECT_LE(display_width(line), 80) << line;
}

}  // namespace
}  // namespace idleheads
