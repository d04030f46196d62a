// A study: baseline with statistics, thresholds from them, all interventions; resumable at any moment.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "idleheads/analysis/decision.h"
#include "idleheads/engine/engine.h"
#include "idleheads/study/cohort_size.h"
#include "idleheads/study/evaluate.h"
#include "idleheads/study/prepared_task.h"
#include "idleheads/studyfile/decisions.h"
#include "idleheads/studyfile/plan.h"
#include "idleheads/studyfile/shard.h"
#include "idleheads/studyfile/store.h"

namespace idleheads {

// What a study still takes at most, measured by its first documents without interventions: what passes share
// makes it less.
struct StudyEstimate {
  double seconds = 0;
  double longest_document = 0;  // seconds of one document under all interventions
  int64_t memory = 0;           // bytes of the process, about
};

// What of a study a run computes. The interventions alone need a plan in the file.
enum class Round { all, baseline, interventions };

// A study that stops asking when it knows.
struct DecideOptions {
  DecisionOptions terms = {};
  // Further shares are tried between the largest of a score that holds and the smallest that fails, until
  // these are so many percent of the heads apart or less. None: those of the targets alone.
  std::optional<double> resolution = {};
};

// Some documents under some interventions, by number.
struct AskedDocuments {
  std::vector<int64_t> interventions, documents;
};

struct StudyOptions {
  Targets targets;
  uint64_t seed = 1234;
  Round round = Round::all;
  std::optional<DocumentRange> documents = {};  // these alone, where the study is in parts (shard.h)
  std::optional<DecideOptions> decide = {};     // Round::all only
  // Round::interventions: these alone, of the documents above.
  std::optional<std::vector<AskedDocuments>> asked = {};
  int64_t cohort_rows = 1 << 19;  // at most (cohort_size.h)
  double cohort_seconds = CohortSize::kSeconds;
  ProgressCallback progress;
  std::function<void(const StudyEstimate&)> on_estimate;  // once, behind the measurement; may be empty
  // Every decision as soon as it is known, those that the file has at the beginning left out; may be empty.
  std::function<void(const StoredIntervention&, const LossDecision&)> on_decided = {};
};

// Blocks of several documents where the prompts of a subject begin alike (more than half of their tokens), as
// with examples before the questions: documents that are asked together share these rows.
StoredOrder order_for(const PreparedTask& task);

// Throws Error if the file holds a plan of other scores or shares.
void require_same_plan(const StudyStore& store, const StudyOptions& options);

// Passes of the model, one a prompt and intervention, that the round needs at most and those of them that are
// stored.
struct Passes {
  int64_t total = 0, stored = 0;
};
Passes passes_of(const PreparedTask& task, const StudyStore& store, const StudyOptions& options);

// True if the file holds all results of the round, or all decisions where they are what is wanted.
bool is_complete(const StudyStore& store, const StudyOptions& options);

// Everything of the round that is missing. Throws Error if the file holds a plan of other scores or shares.
void run_study(Engine& engine, const PreparedTask& task, StudyStore& store, const StudyOptions& options);

}  // namespace idleheads
