// Runs documents under interventions, cohort by cohort.
#pragma once

#include <functional>
#include <span>
#include <utility>
#include <vector>

#include "base/progress.h"
#include "engine/engine.h"
#include "study/prepared_task.h"
#include "study/store.h"

namespace idleheads {

struct EvaluateOptions {
  bool stats = false;
  uint64_t seed = 1234;
  int64_t cohort_rows = 1 << 19;  // rows of a cohort if nothing were shared
  ProgressCallback progress;      // may be empty
  std::string phase;
};

// A finished cohort: (index into `interventions`, result) pairs.
using CohortCallback = std::function<void(std::vector<std::pair<int64_t, StoredResult>>)>;

// `documents` are indices into task.documents. Every pair of document and intervention is delivered once.
// Throws Interrupted if the progress callback asks to stop (cohorts delivered before stay delivered), and
// Error (engine.h).
void evaluate(Engine& engine, const PreparedTask& task, std::span<const int64_t> documents,
              std::span<const Intervention> interventions, const EvaluateOptions& options,
              const CohortCallback& finished);

// The size of cohorts for this engine: large enough for much sharing, not so large that a stopped study would
// lose more than minutes of work or that a cohort is divided often.
int64_t default_cohort_rows(const Engine& engine);

}  // namespace idleheads
