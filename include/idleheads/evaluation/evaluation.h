// A model on tasks, with heads switched off if asked: what `idleheads eval` does.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "idleheads/analysis/accuracy.h"
#include "idleheads/analysis/frequency.h"
#include "idleheads/base/progress.h"
#include "idleheads/evaluation/engine_settings.h"
#include "idleheads/evaluation/task_settings.h"
#include "idleheads/studyfile/store.h"

namespace idleheads {

// A task with heads off against all heads on, over the same documents, by its first metric.
struct RunDifference {
  Metric metric = Metric::acc;
  MetricValue baseline;
  // What the metric gains in points, below 0: it loses; of perplexities -100 times the logarithm of their
  // ratio, which is percent where it is small. With the 95 % interval of a paired bootstrap over documents.
  double points = 0, low = 0, high = 0;
  // Of answers: other ones, right with all heads on alone, right without the heads alone.
  int64_t changed = 0, lost = 0, won = 0;
  std::optional<double> kl;  // mean divergence of the distributions over the choices, in nats
};

// One task under one intervention.
struct TaskRun {
  const PreparedTask* task = nullptr;
  std::optional<RunDifference> difference = {};  // with heads off, where the baseline was run
  HeadFrequency frequency;
  std::vector<StoredResult> results;  // in order of documents, without masks
  std::vector<SubjectRow> rows;       // metrics of the task, its categories and subjects
};

// An intervention and the tasks that were run under it.
struct RuleRun {
  Intervention intervention;
  bool mean = false;  // heads that were off gave their means, not zeros
  std::vector<TaskRun> tasks;

  bool is_baseline() const { return std::holds_alternative<std::monostate>(intervention); }
  std::string name() const;         // "L0H1,L5H3", "L0H1,L5H3 as means"
  std::string short_name() const;   // the same, or of many heads "39 heads, L0H0 to L29H3"
  HeadFrequency frequency() const;  // of all tasks
};

struct EvaluationSettings {
  EngineSettings engine;
  TaskSettings task;
  // "ahon_ln<0.52", "ahon_ln@15%" (the threshold for that share of all heads, by the task itself with all
  // heads on), "L0H1,L5H3". Without one and without a mask: all heads on.
  std::vector<std::string> rules = {};
  std::string mask = {};  // file of heads (`idleheads mask`), a rule more; empty: none
  bool baseline = true;   // with rules or a mask: also all heads on, which they are compared with
};

class Evaluation {
 public:
  // Reads the rules and the mask, and makes the prompts. Throws Error, UsageError.
  Evaluation(EvaluationSettings settings, std::shared_ptr<const Model> model);
  ~Evaluation();

  // Its prompts are what the engine runs; the engine must be one of settings().engine. Throws Error
  // (engine.h) and Interrupted if `progress` asks to stop, and then keeps nothing.
  void run(Engine& engine, const ProgressCallback& progress = {});

  const EvaluationSettings& settings() const { return settings_; }
  const std::vector<PreparedTask>& tasks() const { return tasks_; }
  // All heads on, then in the order of the rules. Behind run(), as all below.
  const std::vector<RuleRun>& runs() const { return runs_; }
  // The tables of lm-evaluation-harness, one set an intervention, then what differs from all heads on, in
  // `width` columns where it fits.
  std::string text(int width = 100) const;
  std::string json() const;  // docs/tasks.md
  // results_*.json, and samples_*.jsonl if asked for, as lm-evaluation-harness has them, below `folder`:
  // <model>/, and <model>/<rule>/ where heads were switched off. Returns the paths of the results. Throws
  // Error for what cannot be written.
  std::vector<std::string> write(const std::string& folder, bool samples) const;

 private:
  EvaluationSettings settings_;
  std::shared_ptr<const Model> model_;
  std::optional<FixedHeads> mask_;
  std::optional<HeadMeans> means_;  // what the mask's heads give; none: zeros
  std::vector<PreparedTask> tasks_;
  std::vector<RuleRun> runs_;
  double start_ = 0, end_ = 0;  // Unix time
};

}  // namespace idleheads
