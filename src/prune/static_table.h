// How many heads are off for good under the rules of a study, beside how many are off per input.
#pragma once

#include <cstdint>
#include <string>

#include "idleheads/report/show.h"
#include "idleheads/report/summary.h"
#include "prune/mask_file.h"
#include "prune/static_heads.h"

namespace idleheads {

struct StaticOptions {
  double at_least = 1;  // share of the inputs in which a head must be off, in (0, 1]
  bool groups = false;  // whole KV groups alone
};

// As kv_heads_of(); throws Error if the study does not say it.
int require_kv_heads(const StudySummary& summary);

// A mask of the study's model, with these heads and nothing of how they were chosen but the version.
MaskFile mask_of(const StudySummary& summary, FixedHeads heads);
// Of one intervention: the heads that are off often enough.
MaskFile static_mask(const StudySummary& summary, const CurveEntry& point, const StaticOptions& options);

// One line a score: its chosen point (chosen_point), per input, always, in at least 90 and 50 % of the
// inputs, whole KV groups. Then what the heads of `point` would save.
std::string static_table(const StudySummary& summary, const ShowOptions& show);
std::string price_text(const MaskPrice& price, const ModelSizes& sizes, int64_t context);

}  // namespace idleheads
