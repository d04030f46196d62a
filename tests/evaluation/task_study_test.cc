// Studies through the public interface.
#include "idleheads/evaluation/task_study.h"

#include "evaluation/tiny_settings.h"

namespace idleheads {
namespace {

using test::error_of;
using testing::HasSubstr;

class TaskStudyTest : public TinySettings {
 protected:
  void SetUp() override {
    TinySettings::SetUp();
    settings_ = {engine_settings_, task_settings_};
    settings_.targets = {parse_scores("ahon_ln,random"), parse_shares("10,30")};
    tasks_ = task_settings_.prepare(*model_);
  }
  TaskStudy study(const std::string& name) { return {settings_, model_, tasks_.front(), file(name)}; }
  void run(TaskStudy& study, StudyEvents events = {}) {
    events.on_note = [this](const std::string& note) { notes_.push_back(note); };
    study.run(
        [this]() -> Engine& {
          ++asked_;
          return *engine_;
        },
        events);
  }

  StudySettings settings_;
  std::vector<PreparedTask> tasks_;
  std::vector<std::string> notes_;
  int asked_ = 0;  // for the engine
};

TEST_F(TaskStudyTest, ComputesWhatIsMissingAndNothingMore) {
  TaskStudy first = study("a.db");
  StudyEvents events;
  std::vector<StudyBegin> begun;
  int ended = 0;
  events.on_begin = [&](const StudyBegin& begin) { begun.push_back(begin); };
  events.on_end = [&](const StudyEnd& end) { ended += end.work.rows > 0; };
  run(first, events);
  ASSERT_EQ(begun.size(), 1u);
  EXPECT_EQ(begun[0].interventions, 4);
  EXPECT_EQ(begun[0].passes.total, 12 * 2 * 5) << "a prompt a choice";
  EXPECT_EQ(ended, 1);
  EXPECT_TRUE(notes_.empty());
  const StudySummary summary = summarize(first.store());
  EXPECT_EQ(summary.scores.size(), 2u);
  EXPECT_TRUE(summary.missing.empty());

  run(first);
  EXPECT_EQ(asked_, 1) << "no engine where nothing is to compute";
  ASSERT_EQ(notes_.size(), 1u);
  EXPECT_THAT(notes_[0], HasSubstr("a.db is complete already"));
}

TEST_F(TaskStudyTest, KeepsExcerptsUnlessAskedNotTo) {
  const std::vector<std::string> excerpts = study("kept.db").store().excerpts();
  ASSERT_EQ(excerpts.size(), 12u);
  EXPECT_THAT(excerpts[1], HasSubstr("Is 7 even?"));
  settings_.excerpts = false;
  EXPECT_TRUE(study("private.db").store().excerpts().empty());
  EXPECT_THAT(
      error_of([&] { study("kept.db"); }),
      testing::AllOf(HasSubstr("kept.db: keeps how each question begins"), HasSubstr("--no-excerpts")));
  settings_.excerpts = true;
  EXPECT_TRUE(study("private.db").store().excerpts().empty());
}

TEST_F(TaskStudyTest, GoesOnAfterAStop) {
  settings_.engine.cohort_rows = 1;
  TaskStudy stopped = study("b.db");
  StudyEvents events;
  events.progress = [](const Progress& progress) { return progress.stored < 3; };
  EXPECT_THROW(run(stopped, events), Interrupted);
  EXPECT_FALSE(summarize(stopped.store()).missing.empty());
  run(stopped);
  EXPECT_TRUE(summarize(stopped.store()).missing.empty());
  TaskStudy whole = study("c.db");
  run(whole);
  for (const int64_t intervention : {0, 1, 4}) {
    const auto a = stopped.store().results(intervention, true), b = whole.store().results(intervention, true);
    ASSERT_EQ(a.size(), b.size());
    for (size_t i = 0; i < a.size(); ++i) EXPECT_EQ(a[i].log_likelihoods, b[i].log_likelihoods);
  }
}

TEST_F(TaskStudyTest, TestsStaticMasksOnce) {
  settings_.static_masks = true;
  TaskStudy masks = study("d.db");
  int begun = 0;
  StudyEvents events;
  events.on_begin = [&](const StudyBegin&) { ++begun; };
  run(masks, events);
  EXPECT_EQ(begun, 2) << "the study, then its static masks";
  run(masks, events);
  EXPECT_EQ(begun, 2);
  EXPECT_THAT(notes_.back(), HasSubstr("no static masks beyond those it has"));
}

TEST_F(TaskStudyTest, RefusesWhatDoesNotFitTogether) {
  study("e.db");
  settings_.targets.shares = {0.5};
  TaskStudy begun = study("f.db");
  run(begun);
  settings_.targets.shares = {0.2};
  EXPECT_THROW(study("f.db"), Error) << "another plan";
  settings_.static_masks = true;
  settings_.decide = DecideOptions{};
  EXPECT_THAT(error_of([&] { study("g.db"); }), HasSubstr("--static"));
}

TEST_F(TaskStudyTest, NamesFilesByModelAndTask) {
  EXPECT_EQ(default_study_file("x/model.Q4.gguf", "q/even.jsonl"), "model.Q4_even.db");
  EXPECT_EQ(default_study_file("org/name/", "piqa"), "name_piqa.db");
  EXPECT_EQ(study_file_of_part("m.gguf", "piqa", file("x.db"), {3, 16}), file("x.db"));
  EXPECT_TRUE(std::filesystem::is_directory(
      std::filesystem::path(study_file_of_part("m.gguf", "piqa", file("parts"), {3, 16})).parent_path()));
}

}  // namespace
}  // namespace idleheads
