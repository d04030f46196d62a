// Masks chosen by some questions of a tiny model and tested on others.
#include "prune/choose_mask.h"

#include <set>

#include "engine/head_grid.h"
#include "idleheads/study/evaluate.h"
#include "study/tiny_study.h"

namespace idleheads {
namespace {

using testing::HasSubstr;

class ChooseMask : public TinyStudy {
 protected:
  void SetUp() override {
    TinyStudy::SetUp();
    task_ = made_up_questions(kQuestions, "no");
    split_ = split_documents(task_.stored, 1);
    baseline_ = baseline();
  }

  std::vector<StoredResult> baseline() {
    StudyStore file = store("baseline.db", task_);
    StudyOptions options = options_;
    options.round = Round::baseline;
    run_study(*engine_, task_, file, options);
    return file.results(0, true);
  }
  std::vector<MaskUnit> ranking(const char* score, std::optional<int> kv_heads = {}) const {
    return rank_units(require_score(score), head_shape(model_->spec()), baseline_, kv_heads);
  }
  ChosenMask choose(const ChooseOptions& options) {
    return choose_mask(*engine_, task_, split_, ranking("ahon_ln"), options);
  }

  // A tolerance that some of the nested masks keep and others do not.
  double some_tolerance() {
    std::vector<double> most;
    for (const MaskTrial& trial : choose({.within = 100}).trials) most.push_back(trial.most_lost());
    std::ranges::sort(most);
    EXPECT_LT(most[most.size() / 2], most.back());
    return most[most.size() / 2];
  }

  static size_t largest_within(const ChosenMask& chosen, double tolerance) {
    size_t largest = 0;
    for (const MaskTrial& trial : chosen.trials) {
      if (trial.most_lost() <= tolerance) largest = std::max(largest, trial.heads.heads.size());
    }
    return largest;
  }

  static constexpr int kQuestions = 60;
  PreparedTask task_;
  DocumentSplit split_;
  std::vector<StoredResult> baseline_;
};

double mean_score(const std::vector<StoredResult>& baseline, const Score& score, HeadId id) {
  double sum = 0;
  int count = 0;
  for (const StoredResult& result : baseline) {
    for (const SampleStats& stats : result.stats) {
      std::vector<float> scores(static_cast<size_t>(stats.heads));
      compute_scores(score, stats.layer(id.layer), id.layer, {}, scores);
      sum += static_cast<double>(scores[static_cast<size_t>(id.head)]);
      ++count;
    }
  }
  return sum / count;
}

TEST_F(ChooseMask, RanksHeadsByTheirMeanScore) {
  for (const char* name : {"ahon_ln", "awft"}) {
    const Score& score = require_score(name);
    const std::vector<MaskUnit> units = ranking(name);
    ASSERT_EQ(units.size(), 31u) << "4 x 8, of layer 0 one less";
    for (size_t i = 1; i < units.size(); ++i) {
      ASSERT_EQ(units[i].size(), 1u);
      const double before = mean_score(baseline_, score, units[i - 1][0]),
                   after = mean_score(baseline_, score, units[i][0]);
      EXPECT_TRUE(score.inactive_above ? before >= after : before <= after) << name << " " << i;
    }
  }
}

TEST_F(ChooseMask, RanksGroupsByTheirLeastInactiveHead) {
  const Score& score = require_score("ahon_ln");
  const std::vector<MaskUnit> units = ranking("ahon_ln", 2);
  ASSERT_EQ(units.size(), 7u) << "4 x 2, of layer 0 one less";
  double before = 0;
  for (const MaskUnit& unit : units) {
    ASSERT_EQ(unit.size(), 4u);
    double largest = 0;
    for (const HeadId id : unit) largest = std::max(largest, mean_score(baseline_, score, id));
    EXPECT_GE(largest, before);
    before = largest;
  }
}

TEST_F(ChooseMask, TakesTheLargestThatIsWithin) {
  const ChosenMask all = choose({.within = 100});
  ASSERT_TRUE(all.chosen);
  EXPECT_EQ(all.trials[*all.chosen].heads.heads.size(), 12u) << "0.4 of 31 heads";
  EXPECT_EQ(*all.chosen + 1, all.trials.size()) << "nothing to refine";
  ASSERT_TRUE(all.test);
  EXPECT_EQ(all.test->before.n, std::ssize(split_.test));

  const double tolerance = some_tolerance();
  const ChosenMask some = choose({.within = tolerance});
  ASSERT_TRUE(some.chosen);
  EXPECT_EQ(some.trials[*some.chosen].heads.heads.size(), largest_within(some, tolerance));
  EXPECT_TRUE(std::ranges::any_of(some.trials, &MaskTrial::refined));
  const ChosenMask none = choose({.within = -100});
  EXPECT_FALSE(none.chosen);
  EXPECT_FALSE(none.test);
}

// The means are of the questions to choose by; trials and test are of heads that give them.
TEST_F(ChooseMask, ByMeans) {
  EXPECT_FALSE(choose({.within = 100}).means);
  const ChosenMask chosen = choose({.within = 100, .mean = true});
  const HeadMeans means = measure_outputs(*engine_, task_, split_.calibration, {}).means();
  ASSERT_TRUE(chosen.means);
  EXPECT_EQ(*chosen.means, means);
  EXPECT_NE(means, measure_outputs(*engine_, task_, all_documents(task_), {}).means());
  const auto kl = [&](const FixedHeads& heads, const std::vector<int64_t>& documents, const HeadMeans* by) {
    const std::vector<Intervention> interventions = {std::monostate{}, heads};
    const auto results = results_under(*engine_, task_, documents, interventions, "again", {}, by);
    return compare_answers(task_, results[0], results[1], 0.95).changes.kl->mean;
  };
  for (const MaskTrial& trial : chosen.trials) {
    EXPECT_EQ(trial.choices->kl, kl(trial.heads, split_.calibration, &means));
    EXPECT_NE(trial.choices->kl, kl(trial.heads, split_.calibration, nullptr));
  }
  ASSERT_TRUE(chosen.test);
  EXPECT_EQ(chosen.test->changes.kl->mean, kl(chosen.trials[*chosen.chosen].heads, split_.test, &means));
}

// What is said of a mask is what an evaluation of it gives.
TEST_F(ChooseMask, TrialsAreWhatTheyGive) {
  const ChosenMask chosen = choose({.within = 0.5});
  for (const MaskTrial& trial : chosen.trials) {
    const std::vector<Intervention> interventions = {std::monostate{}, trial.heads};
    const auto results = results_under(*engine_, task_, split_.calibration, interventions, "again", {});
    const Comparison again = compare_answers(task_, results[0], results[1], 0.95);
    EXPECT_EQ(again.loss(), trial.loss);
    EXPECT_EQ(again.changes.loss_error, trial.loss_error);
    EXPECT_EQ(again.changes.probability->mean, -trial.choices->share_loss);
    EXPECT_EQ(again.changes.probability->error, trial.choices->share_error);
    EXPECT_EQ(again.changes.kl->mean, trial.choices->kl);
    EXPECT_EQ(again.changes.log_likelihood->mean, trial.choices->log_likelihood);
    size_t heads = 0;
    for (const size_t unit : trial.units) heads += ranking("ahon_ln")[unit].size();
    EXPECT_EQ(heads, trial.heads.heads.size());
  }
}

// With other right answers to the questions of the test the choice is the same, and the test another one.
TEST_F(ChooseMask, NeverSeesTheTest) {
  const double tolerance = some_tolerance();
  const ChosenMask before = choose({.within = tolerance});
  for (const int64_t d : split_.test) {
    int& gold = task_.task.documents[static_cast<size_t>(d)].gold;
    gold = 1 - gold;
  }
  task_ = prepare_task(task_.task, *model_, encode_options());
  const ChosenMask after = choose({.within = tolerance});
  EXPECT_EQ(after.chosen, before.chosen);
  ASSERT_EQ(after.trials.size(), before.trials.size());
  for (size_t i = 0; i < after.trials.size(); ++i)
    EXPECT_EQ(after.trials[i].heads, before.trials[i].heads) << i;
  ASSERT_TRUE(before.test);
  EXPECT_NE(after.test->before.value, before.test->before.value);
}

// Texts: what they lose is percent of their perplexity, and there are no choices.
TEST_F(ChooseMask, ByTexts) {
  Task texts;
  texts.name = "texts";
  texts.version = "1";
  texts.output = OutputType::loglikelihood_rolling;
  texts.metrics = {Metric::word_perplexity};
  texts.groups = {{"all", "", 20}};
  for (int i = 0; i < 20; ++i) {
    Document& document = texts.documents.emplace_back();
    document.group = "all";
    document.index = i;
    document.contexts = {
        fmt::format("The number {} is {} and no other.", i * 13, i % 2 == 0 ? "even" : "odd")};
    document.words = 8;
    document.bytes = std::ssize(document.contexts[0]);
  }
  task_ = prepare_task(texts, *model_, encode_options());
  split_ = split_documents(task_.stored, 1);
  const double tolerance = some_tolerance();
  const ChosenMask chosen = choose({.within = tolerance});
  ASSERT_TRUE(chosen.chosen);
  for (const MaskTrial& trial : chosen.trials) {
    EXPECT_FALSE(trial.choices);
    const std::vector<Intervention> interventions = {std::monostate{}, trial.heads};
    const auto results = results_under(*engine_, task_, split_.calibration, interventions, "again", {});
    const auto sum = [](const std::vector<StoredResult>& texts_read) {
      double all = 0;
      for (const StoredResult& result : texts_read) all += static_cast<double>(result.log_likelihoods[0]);
      return all;
    };
    const double words = 8. * static_cast<double>(split_.calibration.size());
    EXPECT_NEAR(trial.loss, 100 * (sum(results[0]) - sum(results[1])) / words, 1e-4) << "-100 ln(perplexity)";
  }
  EXPECT_EQ(chosen.trials[*chosen.chosen].heads.heads.size(), largest_within(chosen, tolerance));
  ASSERT_TRUE(chosen.test);
  EXPECT_EQ(chosen.test->metric, Metric::word_perplexity);
}

TEST(MaskTrial, LosesTheMostWithAStandardErrorToSpare) {
  MaskTrial trial;
  trial.loss = 0.4;
  trial.loss_error = 0.2;
  EXPECT_DOUBLE_EQ(trial.most_lost(), 0.6);
  trial.choices = {.share_loss = 0.5, .share_error = 0.25};
  EXPECT_DOUBLE_EQ(trial.most_lost(), 0.75);
  trial.choices->share_loss = -0.5;
  EXPECT_DOUBLE_EQ(trial.most_lost(), 0.6);
}

TEST(Verdict, OnOtherQuestionsThanTheChoice) {
  Comparison c;
  c.metric = Metric::acc;
  c.before.value = 0.65;
  c.after.value = 0.64;
  EXPECT_EQ(verdict_text(c, 1), "");
  c.after.value = 0.63;
  EXPECT_THAT(verdict_text(c, 1), HasSubstr("That is more than 1 point: what looked harmless"));
  c.metric = Metric::word_perplexity;
  c.before.value = 30;
  c.after.value = 31;
  EXPECT_THAT(verdict_text(c, 1), HasSubstr("That is more than 1 %: what looked harmless"));
  EXPECT_EQ(verdict_text(c, 4), "");
}

TEST_F(ChooseMask, NeedsChoicesOrTexts) {
  task_.task.output = OutputType::generate_until;
  EXPECT_THAT(error_of([&] { choose({}); }),
              HasSubstr("made_up: heads are chosen by questions with choices"));
  task_.task.output = OutputType::multiple_choice;
  split_.test.clear();
  EXPECT_THAT(error_of([&] { choose({}); }), HasSubstr("too few questions"));
}

}  // namespace
}  // namespace idleheads
