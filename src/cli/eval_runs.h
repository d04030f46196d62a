// What idleheads eval computes: tasks under interventions.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <vector>

#include "analysis/accuracy.h"
#include "analysis/frequency.h"
#include "study/evaluate.h"

namespace idleheads::cli {

// One task under one intervention.
struct TaskRun {
  const PreparedTask* task = nullptr;
  HeadFrequency frequency;
  std::vector<StoredResult> results;  // in order of documents, without masks
  std::vector<SubjectRow> rows;
};

// An intervention and the tasks that were run under it.
struct RuleRun {
  Intervention intervention;
  bool mean = false;  // heads that were off gave their means, not zeros
  std::vector<TaskRun> tasks;

  bool is_baseline() const { return std::holds_alternative<std::monostate>(intervention); }
  std::string name() const;         // "L0H1,L5H3", "L0H1,L5H3 as means"
  HeadFrequency frequency() const;  // of all tasks
};

// The interventions for one task, where shares have become thresholds: for the statistics of the unablated
// model over the same questions, made once and only if a rule needs them.
std::vector<Intervention> interventions_for(Engine& engine, const PreparedTask& task,
                                            const std::vector<std::string>& rules,
                                            const EvaluateOptions& options);

// Runs the task and adds it to the runs of its interventions, new ones at the end; what gives zeros and what
// gives means (options.means) are two.
void evaluate_task(Engine& engine, const PreparedTask& task, const std::vector<Intervention>& interventions,
                   const EvaluateOptions& options, std::vector<RuleRun>& runs);

}  // namespace idleheads::cli
