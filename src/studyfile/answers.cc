#include "idleheads/studyfile/answers.h"

#include "analysis/exact_match.h"
#include "base/fail.h"

namespace idleheads {

Metric deciding_metric(const Settings& settings) {
  std::string names;
  for (const char* name : {"task.metrics", "info.metric"}) {
    const auto found = settings.find(name);
    if (names.empty() && found != settings.end()) names = found->second;
  }
  if (names.empty()) return Metric::acc;
  const std::string first = names.substr(0, names.find(';'));
  if (const std::optional<Metric> metric = find_metric(first)) return *metric;
  fail("study: unknown metric '{}' in its settings; a newer idleheads may have written it", printable(first));
}

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

std::optional<bool> is_correct(const StoredDocument& document, const StoredResult& result, Metric metric) {
  if (!metric_info(metric).is_share) return std::nullopt;
  for (const Contribution& contribution : contributions_of(document, result)) {
    if (contribution.metric == metric) return contribution.value != 0;
  }
  return std::nullopt;
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
