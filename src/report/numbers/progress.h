// How far a study is.
#pragma once

#include <cstdint>

#include "idleheads/report/summary.h"

namespace idleheads {

struct StudyProgress {
  // (document, intervention) pairs, the baseline's among them: with results, and all that are wanted as far
  // as is known. What a study that stops when it knows need not ask is not wanted.
  int64_t done = 0, all = 0;
  // Nothing of the plan is missing. A study that is still running may add to its plan.
  bool is_whole = false;
};

StudyProgress progress_of(const StudyStore& store, const StudySummary& summary);

}  // namespace idleheads
