// The tables of a study that files for other tools and Python have; docs/export_format.md describes every
// column. What an unfinished study lacks is empty.
#pragma once

#include <vector>

#include "idleheads/report/summary.h"
#include "report/numbers/certainty.h"
#include "report/numbers/head_profile.h"
#include "report/numbers/record_writer.h"

namespace idleheads {

// Each table refers to what it is made of.
RecordTable documents_table(const StudySummary& summary, const std::vector<StoredResult>& baseline);
RecordTable curves_table(const StudySummary& summary, const Certainty& certainty);
RecordTable shares_table(const StudySummary& summary, const Certainty& certainty);
RecordTable heads_table(const StudySummary& summary, const HeadProfiles& profiles);
RecordTable scores_table(const std::vector<StoredResult>& baseline);
RecordTable static_table(const StudySummary& summary);
RecordTable decisions_table(const DecisionSummary& decisions);
// The baseline's table: name and depth (0 task, 1 category or subject without one, 2 subject), then the
// metrics.
RecordTable subjects_table(const StudySummary& summary);

bool has_static_masks(const StudySummary& summary);

}  // namespace idleheads
