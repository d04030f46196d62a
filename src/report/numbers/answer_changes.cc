#include "report/numbers/answer_changes.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "analysis/paired_loss.h"
#include "idleheads/studyfile/answers.h"

namespace idleheads {
namespace {

// What the deciding metric counts of a document, with all heads on and under the intervention.
struct Pair {
  double before = 0, after = 0;
  double size = 1;
};

std::vector<Pair> pairs_of(const AnswersOf& s, const std::vector<StoredResult>& baseline,
                           const std::vector<StoredResult>& results) {
  std::vector<Pair> pairs;
  for (size_t i = 0; i < results.size(); ++i) {
    const StoredDocument& document = s.documents.at(static_cast<size_t>(results[i].document));
    const std::vector<Contribution> before = contributions_of(document, baseline[i]),
                                    after = contributions_of(document, results[i]);
    for (size_t k = 0; k < before.size(); ++k) {
      if (before[k].metric == s.metric)
        pairs.push_back({before[k].value, after[k].value, static_cast<double>(before[k].size)});
    }
  }
  return pairs;
}

bool another_answer(const AnswersOf& s, const StoredResult& before, const StoredResult& after) {
  const StoredDocument& document = s.documents.at(static_cast<size_t>(before.document));
  if (document.choice_lengths.empty()) return before.response != after.response;
  const Outcome first = outcome_of(document, before.log_likelihoods),
                second = outcome_of(document, after.log_likelihoods);
  return s.metric == Metric::acc_norm ? first.choice_norm != second.choice_norm
                                      : first.choice != second.choice;
}

// Each document's part in what the metric loses, in points. A perplexity is
// exp(-sum of log-likelihoods / sum of sizes): each text's part in the change of that ratio.
std::vector<double> losses_of(const AnswersOf& s, const std::vector<Pair>& pairs) {
  std::vector<double> losses;
  if (metric_info(s.metric).is_share) {
    for (const Pair& pair : pairs) losses.push_back(100 * (pair.before - pair.after));
    return losses;
  }
  double change = 0, size = 0;
  for (const Pair& pair : pairs) {
    change += pair.after - pair.before;
    size += pair.size;
  }
  const double ratio = change / size, mean_size = size / static_cast<double>(pairs.size());
  for (const Pair& pair : pairs) {
    const double residual = pair.after - pair.before - ratio * pair.size;
    losses.push_back(-100 * (ratio + residual / mean_size));
  }
  return losses;
}

double bound_of(const AnswersOf& s, const AnswerChanges& changes, const std::vector<Pair>& pairs,
                double confidence) {
  if (pairs.empty()) return std::numeric_limits<double>::infinity();
  if (!metric_info(s.metric).is_share) return mean_bound(losses_of(s, pairs), confidence);
  return 100 * loss_bound(changes.lost, changes.won, static_cast<int64_t>(pairs.size()), confidence);
}

void add_distributions(const AnswersOf& s, const std::vector<StoredResult>& baseline,
                       const std::vector<StoredResult>& results, double confidence, AnswerChanges& out) {
  std::vector<double> log_likelihood, probability, kl;
  for (size_t i = 0; i < results.size(); ++i) {
    const StoredDocument& document = s.documents.at(static_cast<size_t>(results[i].document));
    if (document.choice_lengths.empty()) continue;
    const AnswerChange change =
        answer_change(baseline[i].log_likelihoods, results[i].log_likelihoods, document.gold);
    log_likelihood.push_back(change.log_likelihood);
    probability.push_back(100 * change.probability);
    kl.push_back(change.kl);
  }
  if (kl.empty()) return;
  out.kl_bound = mean_bound(kl, confidence);
  out.log_likelihood = spread_of_changes(std::move(log_likelihood));
  out.probability = spread_of_changes(std::move(probability));
  out.kl = spread_of_changes(std::move(kl));
}

}  // namespace

double confidence_each(size_t scores, double all) {
  return 1 - (1 - all) / static_cast<double>(std::max<size_t>(1, scores));
}

AnswerChanges answer_changes(const AnswersOf& s, const std::vector<StoredResult>& baseline,
                             const std::vector<StoredResult>& results, double confidence) {
  AnswerChanges out;
  if (baseline.size() != results.size()) return out;
  const std::vector<Pair> pairs = pairs_of(s, baseline, results);
  if (metric_info(s.metric).is_share) {
    for (const Pair& pair : pairs) {
      out.lost += pair.before > pair.after;
      out.won += pair.before < pair.after;
    }
    for (size_t i = 0; i < results.size(); ++i) out.changed += another_answer(s, baseline[i], results[i]);
  }
  out.loss_error = standard_error(losses_of(s, pairs));
  out.loss_bound = bound_of(s, out, pairs, confidence);
  add_distributions(s, baseline, results, confidence, out);
  return out;
}

std::optional<size_t> last_sure(const std::vector<CurveEntry>& points, const Terms& terms) {
  std::optional<size_t> last;
  for (size_t i = 0; i < points.size(); ++i) {
    const AnswerChanges& changes = points[i].changes;
    const bool within =
        terms.within_kl ? changes.kl_bound <= *terms.within_kl : changes.loss_bound <= terms.tolerance;
    if (!within) break;
    last = i;
  }
  return last;
}

}  // namespace idleheads
