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
  int64_t max_rows = 1 << 20;  // rows in flight that a cohort may come to in the worst case
  ProgressCallback progress;   // may be empty
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

// Rows of a cohort: what fits into `memory` bytes beside the engine's weights, and no more than lets a
// stopped study lose only minutes of work. Throws UsageError with the smallest sensible value if hardly a
// prompt fits.
int64_t rows_in_memory(const Engine& engine, int64_t memory);

}  // namespace idleheads
