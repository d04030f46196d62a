// Joins the parts of a study (shard.h) into one file.
#pragma once

#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "idleheads/base/progress.h"
#include "idleheads/studyfile/decisions.h"
#include "idleheads/studyfile/shard.h"
#include "idleheads/studyfile/store.h"

namespace idleheads {

// Documents that lack the same interventions.
struct MissingResults {
  DocumentRange documents;
  int64_t interventions = 0;  // how many of the plan, the baseline included
};

struct MergeReport {
  int64_t added = 0, equal = 0;  // results that are new, and those that were there already
  bool planned = false;          // thresholds were computed, since the baseline is whole now
  int64_t interventions = 0;     // of the plan, the baseline included; 1: there is none yet
  std::vector<MissingResults> missing;
  std::optional<VerdictCounts> decisions;  // of a study that stops when it knows
  int64_t tried = 0;                       // further shares that were added to the plan
};

struct MergeOptions {
  // Once nothing is open, further shares are tried until those of a score that hold and fail are so many
  // percent apart (PlanDecisions::shares_to_try); none: no share is added.
  std::optional<double> resolution = {};
  ProgressCallback progress = {};  // in results of all parts
};

// Brings what the parts hold into `output`, which is made or goes on. Parts may come in any order, overlap
// and come again. Once the baseline of all documents is there, the thresholds are found, exactly as one
// process finds them, and the plan is written, if the parts' study wants one. Where parts stop when they know
// (study --decide), the joined file says what is decided.
//
// Throws Error: a file that is no study, two that differ in a setting, a document, the number of parts or the
// plan (both files named), a result that differs from one that is there (intervention, document, file), an
// output that is one of the parts. Throws Interrupted where `progress` asks to stop: what was brought in is
// stored, and the same call goes on.
MergeReport merge_studies(std::span<const std::filesystem::path> parts, const std::filesystem::path& output,
                          const MergeOptions& options = {});

}  // namespace idleheads
