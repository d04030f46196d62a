// Runs documents under interventions, cohort by cohort.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "idleheads/base/progress.h"
#include "idleheads/engine/engine.h"
#include "idleheads/study/cohort_size.h"
#include "idleheads/study/prepared_task.h"

namespace idleheads {

// (Index of the intervention, result) pairs.
using Results = std::vector<std::pair<int64_t, StoredResult>>;

struct EvaluateOptions {
  bool stats = false;
  uint64_t seed = 1234;
  const HeadMeans* means = nullptr;  // what heads that are off give; nullptr: zeros
  // The sums of what heads put out are added to it before `finished` has the results that they are of.
  OutputSums* outputs = nullptr;
  ProgressCallback progress = {};  // may be empty
  std::string phase = {};
  std::string note = {};  // Progress::note
  // Results of the phase that are there before, and all of them, where this is a part of it; 0: this is all.
  int64_t done_before = 0, total = 0;
  // How large cohorts are; learns how long they take. nullptr: as large as is sensible where nothing is
  // stored.
  CohortSize* size = nullptr;
  // After the first cohort that `size` has seen, before the next.
  std::function<void()> on_measured = {};
};

// `documents` are indices into task.documents. Every pair of document and intervention is given to `finished`
// once, as soon as a cohort is done, or where one document takes longer than size->seconds(), as soon as a
// part of its interventions is. Throws Interrupted if the progress callback asks to stop (what was finished
// before stays so), and Error (engine.h).
void evaluate(Engine& engine, const PreparedTask& task, std::span<const int64_t> documents,
              std::span<const Intervention> interventions, const EvaluateOptions& options,
              const std::function<void(Results)>& finished);

// 0, 1, ... for each document of the task.
std::vector<int64_t> all_documents(const PreparedTask& task);

// The size of cohorts for this engine: large enough for much sharing, not so large that a cohort is divided
// often.
int64_t default_cohort_rows(const Engine& engine);

}  // namespace idleheads
