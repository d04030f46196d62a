// How sure the numbers of a study are, which the paper does not say: intervals of accuracies, of their
// differences to the baseline over the same documents, and of the largest inactive shares.
#pragma once

#include <optional>
#include <vector>

#include "analysis/bootstrap.h"
#include "idleheads/report/summary.h"
#include "report/numbers/answer_changes.h"

namespace idleheads {

// An intervention against the baseline.
struct PointCertainty {
  std::optional<Interval> accuracy;  // Wilson's, in [0, 1]; for shares of right documents
  std::optional<double> mcnemar;     // the probability of its exact test; for shares of right documents
  PairedDifference difference;       // in points, paired bootstrap over documents
};

struct ScoreCertainty {
  std::vector<PointCertainty> points;  // as ScoreSummary::points
  // Of the largest inactive share; none of fewer than 30 documents, whose draws are too much alike.
  std::optional<Interval> inactive_percent;
  double draws_with_share = 0;  // share of the bootstrap's draws that have one
};

struct Certainty {
  std::optional<Interval> baseline;    // Wilson's
  std::vector<ScoreCertainty> scores;  // as StudySummary::scores; empty if the baseline is not finished
};

// The metric of `results` less that of `baseline`, over the same documents. 1,000 draws, 95 %.
PairedDifference difference_of(const AnswersOf& answers, const std::vector<StoredResult>& baseline,
                               const std::vector<StoredResult>& results, uint64_t seed);

// Nothing for a study without documents that can be measured. 1,000 draws, 95 %, Terms::seed.
Certainty certainty_of(const StudyStore& store, const StudySummary& summary);

}  // namespace idleheads
