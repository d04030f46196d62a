// The parts of `idleheads show` that need more than a summary: how sure the numbers are, and what single
// heads, layers and KV groups do.
#pragma once

#include <optional>
#include <string>

#include "idleheads/report/show.h"
#include "report/numbers/agreement.h"
#include "report/numbers/certainty.h"
#include "report/numbers/head_profile.h"

namespace idleheads {

// Intervals of the largest inactive shares, and each score's proven intervention against the baseline over
// the same documents. `certainty` is that of the summary.
std::string show_certainty(const StudySummary& summary, const Certainty& certainty,
                           const ShowOptions& options);

// Where attention goes, layer by layer; KV groups that can go with their heads; how much the scores agree.
std::string show_profile(const StudySummary& summary, const HeadProfiles& profiles,
                         const std::optional<Agreement>& agreement, const ShowOptions& options);

}  // namespace idleheads
