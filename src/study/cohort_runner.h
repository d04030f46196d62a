// One cohort: some documents under some interventions in one run of the engine.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "idleheads/engine/engine.h"
#include "idleheads/study/evaluate.h"
#include "idleheads/study/prepared_task.h"
#include "idleheads/studyfile/store.h"
#include "task/stop.h"

namespace idleheads {

struct CohortRequest {
  std::span<const int64_t> documents;  // indices into the task's
  std::span<const Intervention> interventions;
  int64_t first_intervention = 0;  // what results call the first of them
  bool stats = false;
  uint64_t seed = 1234;
  const HeadMeans* means = nullptr;  // RunOptions::means
  // RunOptions::outputs, of written answers those of the prompts. All results are given at the end then, when
  // what they are of has been added.
  OutputSums* outputs = nullptr;
  int64_t rows_in_flight = 0;                // 0: as many as there is memory for
  std::function<void(double)> on_progress;   // with the share of the work done; may throw to stop
  std::function<void(Results)> on_finished;  // every pair of document and intervention once
};

// Runs a task's cohorts: answers are scored or written.
class CohortRunner {
 public:
  CohortRunner(Engine& engine, const PreparedTask& task);
  void run(const CohortRequest& request);

 private:
  void score(const CohortRequest& request);
  void generate(const CohortRequest& request);
  void add_outputs(const CohortRequest& request);

  Engine& engine_;
  const PreparedTask& task_;
  std::optional<StopRule> stop_;
};

}  // namespace idleheads
