// What `idleheads show` says of a study whose questions need not all be asked: decisions and intervals.
#pragma once

#include <string>

#include "idleheads/report/show.h"

namespace idleheads {

// What is guaranteed, of what, and how much was asked for it: the first thing to read. Only where
// shows_decisions().
std::string decisions_claim(const StudySummary& summary, const ShowOptions& options);

// A line a score, and what the best one comes to.
std::string show_decisions(const StudySummary& summary, const ShowOptions& options);

// A line an intervention: estimate and interval.
std::string show_losses(const StudySummary& summary, const ShowOptions& options);

}  // namespace idleheads
