// A study: baseline with statistics, thresholds from them, all interventions; resumable at any moment.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "engine/engine.h"
#include "study/cohort_size.h"
#include "study/evaluate.h"
#include "study/plan.h"
#include "study/prepared_task.h"
#include "study/shard.h"
#include "study/store.h"

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

struct StudyOptions {
  Targets targets;
  uint64_t seed = 1234;
  Round round = Round::all;
  std::optional<DocumentRange> documents = {};  // these alone, where the study is in parts (shard.h)
  int64_t cohort_rows = 1 << 19;                // at most (cohort_size.h)
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
  std::optional<Shard> shard = {};
  Targets targets = {};  // of a study in parts: what the joined file is to have
};
Settings describe(const StudyDescription& description);

// Throws Error if the file holds a plan of other scores or shares.
void require_same_plan(const StudyStore& store, const StudyOptions& options);

// Passes of the model, one a prompt and intervention, that the round needs and those of them that are stored.
struct Passes {
  int64_t total = 0, stored = 0;
};
Passes passes_of(const PreparedTask& task, const StudyStore& store, const StudyOptions& options);

// True if the file holds all results of the round.
bool is_complete(const StudyStore& store, const StudyOptions& options);

// Everything of the round that is missing. Throws Error if the file holds a plan of other scores or shares.
void run_study(Engine& engine, const PreparedTask& task, StudyStore& store, const StudyOptions& options);

}  // namespace idleheads
