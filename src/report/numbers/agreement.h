// Whether the scores of a study mean the same heads.
#pragma once

#include <optional>
#include <vector>

#include "analysis/models.h"
#include "report/numbers/head_profile.h"

namespace idleheads {

struct Agreement {
  double share = 0;                  // the target share at which the scores were compared
  std::vector<const Score*> scores;  // those with results at that share
  // Of (forward pass, head) pairs off under both scores over those off under at least one; [scores][scores]
  std::vector<std::vector<std::optional<double>>> iou;
};

// At the target share, of those above zero that most scores have results at, the one nearest to that of the
// best_point(). None if no two scores share one, or where the model writes the answers
// (the forward passes are not the same then).
std::optional<Agreement> agreement_of(const StudyStore& store, const StudySummary& summary);

// Spearman's correlation of the heads' means by any two scores, [scores][scores] of the profiles; heads that
// a score takes for inactive come first, whether these have low or high values.
Matrix2 rank_agreement(const HeadProfiles& profiles);

}  // namespace idleheads
