// Several studies side by side: the scores that all of them tested, and how alike they rank them.
#pragma once

#include <vector>

#include "analysis/models.h"
#include "idleheads/report/compare.h"

namespace idleheads {

struct AcrossStudies {
  // Tested by every study, in the order of all_scores(); those that mean the same in every model, because
  // they are relative to the layer or the head, come before the others, and random comes last.
  std::vector<const Score*> scores;
  // Of these, random left out: by which the study that can do without the fewest heads can do without most;
  // what is sure counts first, then what was found on the study's own questions. nullptr if there is none.
  const Score* best = nullptr;
  // [studies][studies], over the areas under the curves (analysis/models.h).
  Matrix2 rank_correlation, top_overlap;
};

AcrossStudies across_studies(const std::vector<LoadedStudy>& studies);

}  // namespace idleheads
