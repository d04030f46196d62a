// A part of a study: its file, and what it is to compute (studyfile/shard.h).
#pragma once

#include <cstdint>
#include <string>

#include "idleheads/evaluation/task_study.h"
#include "idleheads/study/prepared_task.h"
#include "idleheads/study/runner.h"
#include "idleheads/studyfile/shard.h"
#include "idleheads/studyfile/store.h"

namespace idleheads {

// The part's own study.
struct PartStudy {
  const std::string& output;
  const Settings& settings;
  const PreparedTask& task;
};

// Sets the part's documents, and its round: the baseline, or with the joined plan the interventions. Throws
// Error: a file begun as another part, a joined file of another study or without thresholds.
void begin_part(const PartSettings& request, const PartStudy& study, StudyStore& store,
                StudyOptions& options);

}  // namespace idleheads
