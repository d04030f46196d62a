// Static masks as further interventions of a study: what heads are worth off for every input, beside the same
// score input by input.
#pragma once

#include <cstdint>

#include "idleheads/studyfile/store.h"

namespace idleheads {

// Scores whose masks are tested: the best, random left out.
inline constexpr int kStaticScores = 3;

// Adds to the plan, for each tested share of the best scores, the heads that were off in at least half of the
// forward passes and those that always were, where there are any and the plan does not have them yet. Returns
// how many masks came. Throws Error if an intervention lacks results: which heads it had off is not known
// yet.
int64_t plan_static_masks(StudyStore& store);

}  // namespace idleheads
