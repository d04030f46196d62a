// Stored results as answered documents, for the accuracies of analysis/accuracy.h.
#pragma once

#include <string>
#include <vector>

#include "analysis/accuracy.h"
#include "study/store.h"

namespace idleheads {

Outcome outcome_of(const StoredDocument& document, std::span<const float> log_likelihoods);

// The documents that have a result and choices, in the order of the results.
std::vector<AnsweredDocument> answered(const std::vector<StoredDocument>& documents,
                                       const std::vector<StoredResult>& results);

}  // namespace idleheads
