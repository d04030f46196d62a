// What is known of a study's interventions before every question is asked under each (studyfile/decisions.h):
// of one that stops when it knows, and of any other while it runs.
#pragma once

#include <optional>
#include <vector>

#include "idleheads/report/summary.h"
#include "idleheads/studyfile/decisions.h"

namespace idleheads {

// None where nothing is to be said: no plan yet, a task whose loss has no bound, a file of an older
// idleheads, a baseline that is not whole, or a study that has all results and was never to decide. `summary`
// must have its settings, documents and baseline.
std::optional<DecisionSummary> decision_summary(const StudyStore& store, const StudySummary& summary);

// The decisions of one score, in the order of the plan.
std::vector<const DecidedPoint*> points_of_score(const DecisionSummary& decisions, const Score& score);

VerdictCounts counts_of(const DecisionSummary& decisions);

// True where tables and pages show decisions in place of finished curves.
bool shows_decisions(const StudySummary& summary);

}  // namespace idleheads
