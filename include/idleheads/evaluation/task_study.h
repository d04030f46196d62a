// The study of one task in one file: what `idleheads study` and `idleheads score` do.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "idleheads/evaluation/engine_settings.h"
#include "idleheads/evaluation/task_settings.h"
#include "idleheads/study/runner.h"
#include "idleheads/studyfile/store.h"

namespace idleheads {

// A part of a study that runs in several processes (docs/cluster.md).
struct PartSettings {
  Shard shard;
  std::string plan = {};  // the file that all parts were joined into; empty in the first round
  int64_t rounds = 5;     // asked before the next merge, of a study that stops when it knows
};

struct StudySettings {
  EngineSettings engine;
  TaskSettings task;
  Targets targets = {};       // scores and shares that are tested; empty: statistics and the baseline alone
  bool mean = false;          // heads that are off give their means, not zeros
  bool excerpts = true;       // the file keeps how each question begins
  bool static_masks = false;  // then test static masks too (prune/static_plan.h)
  double store_every = CohortSize::kSeconds;  // seconds
  std::optional<DecideOptions> decide = {};   // stop asking where it is known what an intervention loses
  std::optional<PartSettings> part = {};
  // What the user typed, for who asks later where a file came from (info.command); without the folders of
  // this machine. Empty: nothing is said.
  std::string command = {};
};

// Throws UsageError for settings that do not fit together, or not with the task; TaskStudy does too, but a
// program with several tasks wants to know it before the first.
void require_possible(const StudySettings& settings);
void require_possible(const StudySettings& settings, const Task& task);

// What is to be computed next: once for the study, and once for its static masks.
struct StudyBegin {
  Passes passes;
  int64_t interventions = 0;  // besides the baseline
  bool with_baseline = true;
  std::optional<DocumentRange> documents;  // of a part
};
struct StudyEnd {
  double seconds = 0;
  WorkCount work;
};

// All are called on the caller's thread, and may be empty.
struct StudyEvents {
  ProgressCallback progress = {};  // may ask to stop
  std::function<void(const StudyBegin&)> on_begin = {};
  std::function<void(const StudyEstimate&)> on_estimate =
      {};  // what it takes at most, behind the first cohort
  std::function<void(const StoredIntervention&, const LossDecision&)> on_decided = {};
  std::function<void(const StudyEnd&)> on_end = {};
  std::function<void(const std::string&)> on_note = {};  // what a user should know, a line
};

class TaskStudy {
 public:
  // Opens the file, or begins it. Throws Error: a file of another study, of another process, that cannot be
  // written (store.h), a plan of other scores or shares; and UsageError for settings that do not fit
  // together. `task` must outlive it.
  TaskStudy(StudySettings settings, std::shared_ptr<const Model> model, const PreparedTask& task,
            std::string file);

  // Computes what is missing; may be called again after it was stopped. The engine is asked for when there is
  // something to compute. Throws Interrupted if `events.progress` asked to stop: what is finished is stored.
  void run(const std::function<Engine&()>& engine, const StudyEvents& events = {});

  const StudyStore& store() const { return *store_; }

 private:
  void open();
  void compute(Engine& engine, const StudyEvents& events);
  StudyBegin begin() const;

  StudySettings settings_;
  std::shared_ptr<const Model> model_;
  const PreparedTask& task_;
  std::string file_;
  Settings described_;
  StudyOptions options_;
  std::optional<StudyStore> store_;
  bool has_run_ = false;
};

// The study file of a task (as it was given) where none is named: MODEL_TASK.db in the current folder.
std::string default_study_file(const std::string& model, const std::string& task);

// A part's file: `output` itself if it ends in .db, or else one in a folder of all parts, which is made.
// Throws Error where it cannot be.
std::string study_file_of_part(const std::string& model, const std::string& task, const std::string& output,
                               Shard shard);

}  // namespace idleheads
