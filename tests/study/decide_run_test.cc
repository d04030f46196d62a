// Studies of a tiny model that stop when they know: their results are those of the full study, and every
// decision is right.
#include <set>

#include "study/tiny_study.h"

namespace idleheads {
namespace {

using testing::HasSubstr;

class DecideRun : public TinyStudy {
 protected:
  void SetUp() override {
    TinyStudy::SetUp();
    options_.decide = DecideOptions{{.tolerance = 0.03, .confidence = 0.8}, {}};
    options_.targets.shares = {0, 1};
    options_.cohort_rows = 256;
  }

  // Two choices each, of two subjects. The right one is what the model says with all heads on, so that heads
  // that are off can lose something.
  PreparedTask questions(int count = 120) {
    PreparedTask task = unanswered(count);
    StudyStore file = store("baseline.db", task);
    StudyOptions options = plain();
    options.round = Round::baseline;
    run_study(*engine_, task, file, options);
    for (const StoredResult& result : file.results(0, false)) {
      const int gold = result.log_likelihoods[0] >= result.log_likelihoods[1] ? 0 : 1;
      task.task.documents[static_cast<size_t>(result.document)].gold = gold;
    }
    std::filesystem::remove(folder_ / "baseline.db");
    return prepare_task(task.task, *model_, encode_options());
  }

  PreparedTask unanswered(int count) {
    Task task;
    task.name = "made_up";
    task.version = "1.0";
    task.metrics = {Metric::acc};
    task.groups = {{"first", "", count / 2}, {"second", "", count - count / 2}};
    for (int i = 0; i < count; ++i) {
      Document document;
      document.group = i < count / 2 ? "first" : "second";
      document.index = i;
      document.contexts = {fmt::format("Is {} even?", i * 7)};
      document.continuations = {" yes", " no"};
      document.choices = {"yes", "no"};
      task.documents.push_back(document);
    }
    return prepare_task(task, *model_, encode_options());
  }

  // Stops after so many results until nothing is left to do; returns how often.
  int run_with_stops_after(double results, const std::string& name, const PreparedTask& task) {
    for (int stops = 0;; ++stops) {
      StudyStore file = store(name, task);
      StudyOptions options = options_;
      options.progress = [=, first = -1.0](const Progress& progress) mutable {
        if (progress.phase == "measurement") return true;
        if (first < 0) first = progress.stored;
        return progress.stored < first + results;
      };
      try {
        run_study(*engine_, task, file, options);
        return stops;
      } catch (const Interrupted&) {
      }
      if (stops > 100) throw std::logic_error("it never ends");
    }
  }

  void run(const std::string& name, const PreparedTask& task, const StudyOptions& options) {
    StudyStore file = store(name, task);
    run_study(*engine_, task, file, options);
  }

  StudyOptions plain() const {
    StudyOptions options = options_;
    options.decide.reset();
    return options;
  }

  // Whether the intervention loses more than the tolerance on all questions.
  Verdict truth(const std::string& name, int64_t intervention) const {
    const StudyStore file = StudyStore::open_read_only(folder_ / name);
    const LossDecision decision = PlanDecisions(file, options_.decide->terms).of(intervention);
    EXPECT_TRUE(decision.sequence().exhausted());
    return decision.sequence().estimate() <= 0.03 + 1e-9 ? Verdict::holds : Verdict::fails;
  }
};

TEST_F(DecideRun, StopsAskingWhatIsDecidedAndGoesOnToTheFullStudy) {
  const PreparedTask task = questions();
  run("whole.db", task, plain());
  EXPECT_TRUE(is_complete(store("whole.db", task), plain()));

  std::vector<std::string> decided;
  options_.on_decided = [&](const StoredIntervention& i, const LossDecision& decision) {
    decided.push_back(fmt::format("{}@{} {}", i.score, i.share, name_of(decision.verdict())));
  };
  EXPECT_FALSE(is_complete(store("a.db", task), options_));
  run("a.db", task, options_);
  EXPECT_TRUE(is_complete(store("a.db", task), options_));
  EXPECT_FALSE(is_complete(store("a.db", task), plain()));
  EXPECT_EQ(decided.size(), 4u);
  int64_t asked = 0;
  std::set<Verdict> verdicts;
  for (int64_t i = 1; i < 5; ++i) {
    const StudyStore file = StudyStore::open_read_only(folder_ / "a.db");
    const PlanDecisions decisions(file, options_.decide->terms);
    EXPECT_EQ(decisions.of(i).verdict(), truth("whole.db", i)) << i;
    verdicts.insert(decisions.of(i).verdict());
    asked += std::ssize(file.results(i, false));
  }
  EXPECT_EQ(verdicts.size(), 2u) << "the test needs some that hold and some that fail";
  EXPECT_LT(asked, 4 * 120 * 3 / 4);
  const size_t before = decided.size();
  run("a.db", task, options_);
  EXPECT_EQ(decided.size(), before) << "what is decided already is not said again";

  run("a.db", task, plain());
  EXPECT_TRUE(is_complete(store("a.db", task), plain()));
  expect_equal("a.db", "whole.db", 5);
}

TEST_F(DecideRun, StoppedAtEveryMomentItComesToTheSameDecisions) {
  const PreparedTask task = questions();
  run("a.db", task, options_);
  EXPECT_GT(run_with_stops_after(5, "b.db", task), 5);
  const StudyStore file = StudyStore::open_read_only(folder_ / "a.db"),
                   stopped = StudyStore::open_read_only(folder_ / "b.db");
  const PlanDecisions one(file, options_.decide->terms), other(stopped, options_.decide->terms);
  for (int64_t i = 1; i < 5; ++i) EXPECT_EQ(one.of(i).verdict(), other.of(i).verdict());
}

TEST_F(DecideRun, FurtherSharesAreTriedUntilTheyAreClose) {
  // A tolerance that some shares keep and others do not.
  options_.targets.scores = {&require_score("ahon_ln")};
  options_.targets.shares = {0, 1};
  options_.decide = DecideOptions{{.tolerance = 0.02, .confidence = 0.8}, 10};
  const PreparedTask task = questions();
  run("a.db", task, options_);
  const StudyStore file = StudyStore::open_read_only(folder_ / "a.db");
  const std::vector<StoredIntervention> plan = file.plan();
  const PlanDecisions decisions(file, options_.decide->terms);
  const DecidedShare share = decisions.by_score().at(0).share;
  ASSERT_TRUE(share.holds && share.fails) << "the test needs both";
  ASSERT_GT(plan.size(), 3u);
  EXPECT_LE(*share.fails - *share.holds, 10);
  for (size_t i = 3; i < plan.size(); ++i) {
    EXPECT_EQ(plan[i].generation, static_cast<int>(i) - 2);
    const float expected = calibrate(*options_.targets.scores[0], file.results(0, true), file.documents(),
                                     1234, std::vector<double>{plan[i].share})[0];
    EXPECT_EQ(plan[i].rule, to_string(Intervention(ScoreRule{options_.targets.scores[0], expected})));
  }
  EXPECT_TRUE(is_complete(file, options_));
  options_.decide->resolution = 1;
  EXPECT_FALSE(is_complete(file, options_));
  require_same_plan(file, options_);  // it is of the same targets still
  run("a.db", task, options_);
  EXPECT_GT(StudyStore::open_read_only(folder_ / "a.db").plan().size(), plan.size());
  // What was added belongs to the full study too.
  run("a.db", task, plain());
  const StudyStore full = StudyStore::open_read_only(folder_ / "a.db");
  EXPECT_TRUE(is_complete(full, plain()));
  EXPECT_EQ(full.results(std::ssize(full.plan()) - 1, false).size(), 120u);
}

TEST_F(DecideRun, OtherTermsAreRefused) {
  const PreparedTask task = questions(20);
  run("a.db", task, options_);
  options_.decide->terms.tolerance = 0.1;
  StudyStore file = store("a.db", task);
  EXPECT_FALSE(is_complete(file, options_));
  EXPECT_THAT(test::error_of([&] { run_study(*engine_, task, file, options_); }),
              HasSubstr("decides within another tolerance"));
}

TEST_F(DecideRun, WhatThePlainStudyHasIsNotAskedAgain) {
  const PreparedTask task = questions();
  run("a.db", task, plain());
  const auto rows = engine_->work().rows;
  run("a.db", task, options_);
  EXPECT_LT(engine_->work().rows - rows, 1000) << "one question to see how fast the machine is";
  EXPECT_TRUE(is_complete(store("a.db", task), options_));
}

// Prompts of a subject that begin alike are asked together.
TEST_F(DecideRun, BlocksAreLargerWherePromptsBeginAlike) {
  EXPECT_EQ(order_for(questions()).block_documents, 1);
  Task task = questions(12).task;
  for (Document& document : task.documents)
    document.contexts[0] = std::string(200, 'x') + document.contexts[0];
  EXPECT_EQ(order_for(prepare_task(task, *model_, encode_options())).block_documents, 4);
}

}  // namespace
}  // namespace idleheads
