// Evaluations through the public interface.
#include "idleheads/evaluation/evaluation.h"

#include "evaluation/tiny_settings.h"

namespace idleheads {
namespace {

using test::error_of;
using testing::HasSubstr;

class EvaluationTest : public TinySettings {
 protected:
  Evaluation evaluation(std::vector<std::string> rules, const std::string& mask = "") {
    return Evaluation({engine_settings_, task_settings_, std::move(rules), mask}, model_);
  }
};

TEST_F(EvaluationTest, RunsRulesSharesAndMasks) {
  std::ofstream(file("mask.json")) << R"({"0": [0, 1]})";
  Evaluation all = evaluation({"L0H0,L0H1", "ahon_ln@25%"}, file("mask.json"));
  all.run(*engine_);
  ASSERT_EQ(all.runs().size(), 3u) << "the mask's heads are those of the first rule";
  EXPECT_TRUE(all.runs()[0].is_baseline());
  EXPECT_FALSE(all.runs()[0].tasks[0].difference);
  const RuleRun& fixed = all.runs()[1];
  EXPECT_EQ(fixed.name(), "L0H0,L0H1");
  ASSERT_EQ(fixed.tasks.size(), 2u);
  EXPECT_EQ(fixed.tasks[0].results.size(), 12u);
  EXPECT_NEAR(fixed.frequency().mean_share(), 2. / static_cast<double>(model_->spec().head_count()), 1e-12);
  EXPECT_NEAR(all.runs()[2].frequency().mean_share(), 0.25, 0.05);
  EXPECT_THAT(all.text(), HasSubstr("ablate L0H0,L0H1"));
  EXPECT_THAT(all.json(), HasSubstr("\"percent_off\""));
}

// The difference is what the two runs by themselves give.
TEST_F(EvaluationTest, WhatDiffersFromAllHeadsOn) {
  Evaluation plain = evaluation({}), off = evaluation({"L0H0,L0H1,L0H2,L0H3,L1H0,L1H1,L1H2,L1H3"});
  plain.run(*engine_);
  off.run(*engine_);
  ASSERT_EQ(off.runs().size(), 2u);
  const TaskRun &before = plain.runs()[0].tasks[0], &after = off.runs()[1].tasks[0];
  const RunDifference difference = after.difference.value();
  const auto accuracy = [](const TaskRun& run) { return value_of(run.rows[0].values, Metric::acc).value; };
  EXPECT_EQ(difference.baseline.value, accuracy(before));
  EXPECT_NEAR(difference.points, 100 * (accuracy(after) - accuracy(before)), 1e-9);
  EXPECT_LE(difference.low, difference.points);
  EXPECT_GE(difference.high, difference.points);
  EXPECT_NEAR(static_cast<double>(difference.won - difference.lost) / 12 * 100, difference.points, 1e-9);
  EXPECT_GE(difference.changed, difference.won + difference.lost);
  EXPECT_GT(difference.kl.value(), 0);
  EXPECT_EQ(off.runs()[1].short_name(), "8 heads, L0H0 to L1H3");
  EXPECT_THAT(off.text(), testing::AllOf(HasSubstr("Against all heads on:"),
                                         HasSubstr("ablate 8 heads, L0H0 to L1H3: ")));
  EXPECT_THAT(plain.text(), testing::Not(HasSubstr("Against")));
}

TEST_F(EvaluationTest, TheBaselineCanBeLeftOut) {
  Evaluation off({engine_settings_, task_settings_, {"L0H0"}, "", false}, model_);
  off.run(*engine_);
  ASSERT_EQ(off.runs().size(), 1u);
  EXPECT_FALSE(off.runs()[0].is_baseline() || off.runs()[0].tasks[0].difference);
  Evaluation twice = evaluation({"none", "L0H0"});
  twice.run(*engine_);
  EXPECT_EQ(twice.runs().size(), 2u) << "it is one of the rules already";
}

TEST_F(EvaluationTest, AllHeadsOnWithoutRules) {
  Evaluation plain = evaluation({});
  plain.run(*engine_);
  ASSERT_EQ(plain.runs().size(), 1u);
  EXPECT_TRUE(plain.runs()[0].is_baseline());
  const std::vector<std::string> written = plain.write(file("out"), true);
  ASSERT_EQ(written.size(), 1u);
  EXPECT_TRUE(std::filesystem::exists(written[0]));
}

// A stopped evaluation has no results, and may run again.
TEST_F(EvaluationTest, StopsWhenAskedTo) {
  Evaluation plain = evaluation({});
  EXPECT_THROW(plain.run(*engine_, [](const Progress&) { return false; }), Interrupted);
  EXPECT_TRUE(plain.runs().empty());
  plain.run(*engine_);
  EXPECT_EQ(plain.runs().size(), 1u);
}

TEST_F(EvaluationTest, RefusesBeforeItRuns) {
  EXPECT_THAT(error_of([&] { evaluation({"ahon_ln"}); }), HasSubstr("ahon_ln"));
  EXPECT_THAT(error_of([&] { evaluation({}, file("none.json")); }), HasSubstr("none.json"));
  task_settings_.tasks = {"piqu"};
  EXPECT_THAT(error_of([&] { evaluation({}); }), HasSubstr("piqa"));
}

TEST_F(EvaluationTest, SettingsInWords) {
  EXPECT_EQ(parse_bytes("--memory", "2.5GiB"), 2'684'354'560);
  EXPECT_THAT(error_of([] { parse_bytes("--memory", "many"); }),
              HasSubstr("--memory 'many': expected a size"));
  EXPECT_EQ(parse_shares("0:10:5"), (std::vector<double>{0, 0.05, 0.1}));
  EXPECT_EQ(parse_scores("awft,awft,ahon_ln").size(), 2u);
  engine_settings_.dtype = "f8";
  EXPECT_THAT(error_of([&] { engine_settings_.precision(); }), HasSubstr("'f8': expected auto, f32 or bf16"));
}

}  // namespace
}  // namespace idleheads
