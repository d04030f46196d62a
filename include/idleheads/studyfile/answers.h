// Stored results as answered documents, for the metrics of analysis/accuracy.h.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "idleheads/analysis/accuracy.h"
#include "idleheads/studyfile/store.h"

namespace idleheads {

// The task's first metric: it decides which heads can be off. Studies before schema version 3 name no other.
// Throws Error for one that is not known.
Metric deciding_metric(const Settings& settings);

// Only for a document with choices.
Outcome outcome_of(const StoredDocument& document, std::span<const float> log_likelihoods);

// What the result adds to the metrics; nothing for a document that there is nothing to measure of.
std::vector<Contribution> contributions_of(const StoredDocument& document, const StoredResult& result);

// Whether it counts as right in that metric; nothing where the metric is a perplexity, or not the document's.
std::optional<bool> is_correct(const StoredDocument& document, const StoredResult& result, Metric metric);

// The documents that have a result and something to measure, in the order of the results.
std::vector<AnsweredDocument> answered(const std::vector<StoredDocument>& documents,
                                       const std::vector<StoredResult>& results);

}  // namespace idleheads
