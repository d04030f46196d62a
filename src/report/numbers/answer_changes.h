// An intervention's answers against those with all heads on, and what they say of other questions.
#pragma once

#include <vector>

#include "idleheads/report/summary.h"

namespace idleheads {

// What is measured, and of what.
struct AnswersOf {
  Metric metric = Metric::acc;
  const std::vector<StoredDocument>& documents;
};

// `baseline` and `results`: of the same documents, in their order. `confidence` is that of each bound.
AnswerChanges answer_changes(const AnswersOf& answers, const std::vector<StoredResult>& baseline,
                             const std::vector<StoredResult>& results, double confidence);

// What `confidence` is for each of `scores` scores whose claims hold together with `all`.
double confidence_each(size_t scores, double all);

// The last of `points` up to which each is within the tolerance for sure; none if the first is not.
std::optional<size_t> last_sure(const std::vector<CurveEntry>& points, const Terms& terms);

}  // namespace idleheads
