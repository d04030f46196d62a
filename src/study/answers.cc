#include "study/answers.h"

namespace idleheads {

Outcome outcome_of(const StoredDocument& document, std::span<const float> log_likelihoods) {
  return outcome_of(log_likelihoods, document.choice_lengths, document.gold);
}

std::vector<AnsweredDocument> answered(const std::vector<StoredDocument>& documents,
                                       const std::vector<StoredResult>& results) {
  std::vector<AnsweredDocument> out;
  for (const StoredResult& result : results) {
    const StoredDocument& document = documents.at(static_cast<size_t>(result.document));
    if (document.choice_lengths.empty()) continue;
    out.push_back({document.group, document.category, outcome_of(document, result.log_likelihoods)});
  }
  return out;
}

}  // namespace idleheads
