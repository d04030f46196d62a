// A part of a study, by the command line: its file, and what it is to compute (study/shard.h).
#pragma once

#include <cstdint>
#include <string>

#include "study/prepared_task.h"
#include "study/runner.h"
#include "study/shard.h"
#include "study/store.h"

namespace idleheads::cli {

struct PartRequest {
  Shard shard;
  std::string plan;    // the file that all parts were joined into; empty in the first round
  int64_t rounds = 0;  // asked before the next merge, of a study that stops when it knows
};

// The part's own study.
struct PartStudy {
  const std::string& output;
  const Settings& settings;
  const PreparedTask& task;
};

// A part's file: `output` itself, or one in a folder of all parts, which is made. Throws Error where it
// cannot be.
std::string output_of_part(const std::string& model, const std::string& task, const std::string& output,
                           Shard shard);

// Sets the part's documents, and its round: the baseline, or with the joined plan the interventions. Throws
// Error: a file begun as another part, a joined file of another study or without thresholds.
void begin_part(const PartRequest& request, const PartStudy& study, StudyStore& store, StudyOptions& options);

}  // namespace idleheads::cli
