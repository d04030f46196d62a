// A study: baseline with statistics, thresholds from them, all interventions; resumable at any moment.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "engine/engine.h"
#include "study/cohort_size.h"
#include "study/evaluate.h"
#include "study/prepared_task.h"
#include "study/store.h"

namespace idleheads {

// What a study still takes at most, measured by its first documents without interventions: what passes share
// makes it less.
struct StudyEstimate {
  double seconds = 0;
  double longest_document = 0;  // seconds of one document under all interventions
  int64_t memory = 0;           // bytes of the process, about
};

struct StudyOptions {
  std::vector<const Score*> scores;
  std::vector<double> shares;  // targets in [0, 1]
  uint64_t seed = 1234;
  int64_t cohort_rows = 1 << 19;  // at most (cohort_size.h)
  double cohort_seconds = CohortSize::kSeconds;
  ProgressCallback progress;
  std::function<void(const StudyEstimate&)> on_estimate;  // once, behind the measurement; may be empty
};

// How prompts were made a chat of.
struct ChatDescription {
  std::string source;  // of the model's template
  bool multiturn = true;
  std::string date;  // what templates that print one were given
};

// What decides the results of a study, for StudyStore::open.
struct StudyDescription {
  const Model* model = nullptr;
  const PreparedTask* task = nullptr;
  std::string limit;  // as given; "all"
  std::string bos;
  std::optional<ChatDescription> chat;
  std::string system;  // instruction before the prompts
  Precision precision = Precision::f32;
  uint64_t seed = 1234;
  DeviceChoice device = {};
};
Settings describe(const StudyDescription& description);

// Throws Error if the file holds a plan of other scores or shares.
void require_same_plan(const StudyStore& store, const StudyOptions& options);

// Passes of the model, one a prompt and intervention, that the study needs and those of them that are stored.
struct Passes {
  int64_t total = 0, stored = 0;
};
Passes passes_of(const PreparedTask& task, const StudyStore& store, const StudyOptions& options);

// True if the file holds all results of these scores and shares.
bool is_complete(const StudyStore& store, const StudyOptions& options);

// Statistics and log-likelihoods without interventions, for documents that have none yet.
void run_baseline(Engine& engine, const PreparedTask& task, StudyStore& store, const StudyOptions& options);

// Everything that is missing. Throws Error if the file holds a plan of other scores or shares.
void run_study(Engine& engine, const PreparedTask& task, StudyStore& store, const StudyOptions& options);

// Thresholds of `score` for `shares` from the statistics of the baseline; `task` gives the samples' ids.
std::vector<float> calibrate(const Score& score, std::span<const StoredResult> baseline,
                             const PreparedTask& task, uint64_t seed, std::span<const double> shares);

}  // namespace idleheads
