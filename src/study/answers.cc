#include "study/answers.h"

#include "analysis/exact_match.h"

namespace idleheads {

Outcome outcome_of(const StoredDocument& document, std::span<const float> log_likelihoods) {
  return outcome_of(log_likelihoods, document.choice_lengths, document.gold);
}

std::vector<Contribution> contributions_of(const StoredDocument& document, const StoredResult& result) {
  if (document.reference) return contributions_of_response(result.response, *document.reference);
  if (document.is_text())
    return contributions_of_text(result.log_likelihoods.at(0), document.words, document.bytes);
  if (document.choice_lengths.empty()) return {};
  return contributions_of(outcome_of(document, result.log_likelihoods));
}

std::vector<AnsweredDocument> answered(const std::vector<StoredDocument>& documents,
                                       const std::vector<StoredResult>& results) {
  std::vector<AnsweredDocument> out;
  for (const StoredResult& result : results) {
    const StoredDocument& document = documents.at(static_cast<size_t>(result.document));
    std::vector<Contribution> contributions = contributions_of(document, result);
    if (contributions.empty()) continue;
    out.push_back({document.group, document.category, std::move(contributions)});
  }
  return out;
}

}  // namespace idleheads
