// Studies run by a tiny model: the file, stopping and going on.
#pragma once

#include <fmt/format.h>

#include <filesystem>
#include <memory>
#include <string>

#include "idleheads/engine/engine.h"
#include "idleheads/study/describe.h"
#include "idleheads/study/runner.h"
#include "studyfile/study_fixture.h"
#include "support/tiny_model.h"

namespace idleheads {

// The golden llama with the tiny tokenizer, and the engine on it.
class TinyStudy : public testing::Test {
 protected:
  void SetUp() override {
    test::copy_tiny_model(folder_.path());
    open_model();
    options_.targets.scores = {&require_score("ahon_ln"), &require_score("random")};
    options_.targets.shares = {0.1, 0.3};
  }
  void open_model() {
    model_ = Model::open(folder_.path().string());
    engine_ = std::make_unique<Engine>(model_, EngineOptions{.threads = 2, .precision = Precision::f32});
  }

  // "Is 21 even?", "Is 28 even?" and so on, with the answers yes and `no`.
  PreparedTask made_up_questions(int count, const std::string& no) const {
    Task task;
    task.name = "made_up";
    task.version = "1.0";
    task.metrics = {Metric::acc};
    task.groups = {{"all", "", count}};
    for (int i = 0; i < count; ++i) {
      Document& document = task.documents.emplace_back();
      document.group = "all";
      document.index = i;
      document.gold = i % 2;
      document.contexts = {fmt::format("Is {} even?", i * 7)};
      document.continuations = {" yes", " " + no};
      document.choices = {"yes", no};
    }
    return prepare_task(task, *model_, encode_options());
  }

  EncodeOptions encode_options() const { return {.max_length = model_->spec().context}; }
  StudyStore store(const std::string& name, const PreparedTask& task, std::optional<Shard> shard = {}) {
    StudyDescription description;
    description.shard = shard;
    description.targets = options_.targets;
    description.model = model_.get();
    description.task = &task;
    description.limit = "all";
    description.bos = "auto";
    description.mean = mean_;
    return StudyStore::open(folder_ / name, describe(description), task.stored);
  }
  // Stops at every cohort until nothing is left to do; returns how often.
  int run_with_stops(const std::string& name, const PreparedTask& task) {
    for (int stops = 0;; ++stops) {
      StudyStore file = store(name, task);
      StudyOptions options = options_;
      options.cohort_rows = 1;
      options.progress = [calls = 0, first = -1.0](const Progress& progress) mutable {
        if (first < 0) first = progress.stored;
        return progress.stored == first || ++calls < 3;  // somewhere in the second cohort
      };
      try {
        run_study(*engine_, task, file, options);
        return stops;
      } catch (const Interrupted&) {
      }
      if (stops > 100) throw std::logic_error("it never ends");
    }
  }
  void expect_equal(const std::string& a, const std::string& b, int64_t interventions) {
    const StudyStore first = StudyStore::open_read_only(folder_ / a),
                     second = StudyStore::open_read_only(folder_ / b);
    EXPECT_EQ(first.plan(), second.plan());
    for (int64_t i = 0; i < interventions; ++i) {
      const auto x = first.results(i, true), y = second.results(i, true);
      ASSERT_EQ(x.size(), y.size());
      for (size_t d = 0; d < x.size(); ++d) EXPECT_TRUE(same_result(x[d], y[d])) << i << " " << d;
    }
  }

  TempFolder folder_;
  std::shared_ptr<const Model> model_;
  std::unique_ptr<Engine> engine_;
  StudyOptions options_;
  bool mean_ = false;  // StudyDescription::mean
};

}  // namespace idleheads
