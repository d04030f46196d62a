#include "report/numbers/decided.h"

#include <algorithm>

#include "idleheads/studyfile/answers.h"

namespace idleheads {
namespace {

bool baseline_is_whole(const StudySummary& summary) {
  return summary.baseline_done == static_cast<int64_t>(summary.documents.size());
}

// The interval where nothing was to be decided: that of the terms asked for.
DecisionOptions terms_of(const StudyStore& store, const Terms& terms) {
  if (const std::optional<DecisionOptions> stored = store.decision_terms()) return *stored;
  DecisionOptions out;
  out.tolerance = std::clamp(terms.tolerance / 100, 1e-9, 1 - 1e-9);
  out.confidence = terms.confidence;
  return out;
}

DecidedPoint point_of(const StudySummary& summary, const StudyStore& store, const PlanDecisions& decisions,
                      int64_t number) {
  DecidedPoint point;
  point.decision = decisions.of(number).decision();
  point.generation = decisions.plan()[static_cast<size_t>(number)].generation;
  point.entry = make_entry(summary, number, decisions.plan()[static_cast<size_t>(number)],
                           store.results(number, false));
  return point;
}

// The largest share that holds; random heads are the control.
std::optional<size_t> best_of(const DecisionSummary& decisions) {
  std::optional<size_t> best;
  const auto rank = [&](size_t i) {
    const CurveEntry& entry = decisions.points[i].entry;
    return std::pair(entry.share, entry.percent_off);
  };
  for (size_t i = 0; i < decisions.points.size(); ++i) {
    const DecidedPoint& point = decisions.points[i];
    if (point.decision.verdict != Verdict::holds || point.entry.score->is_random || point.entry.share == 0)
      continue;
    if (!best || rank(i) > rank(*best)) best = i;
  }
  return best;
}

}  // namespace

std::optional<DecisionSummary> decision_summary(const StudyStore& store, const StudySummary& summary) {
  const bool stops = store.decision_terms().has_value();
  if (store.plan().size() <= 1 || !store.order() || !baseline_is_whole(summary)) return std::nullopt;
  if (!is_decidable(summary.settings, summary.documents) || (!stops && summary.missing.empty()))
    return std::nullopt;
  const PlanDecisions decisions(store, terms_of(store, summary.terms));
  DecisionSummary out;
  out.terms = decisions.options();
  out.stops = stops;
  out.asked = decisions.stored();
  out.left = decisions.left();
  out.pairs = decisions.questions() * (std::ssize(decisions.plan()) - 1);
  for (int64_t i = 1; i < std::ssize(decisions.plan()); ++i)
    out.points.push_back(point_of(summary, store, decisions, i));
  for (const PlanDecisions::OfScore& score : decisions.by_score())
    out.scores.push_back({find_score(score.score), score.share});
  out.best = best_of(out);
  return out;
}

std::vector<const DecidedPoint*> points_of_score(const DecisionSummary& decisions, const Score& score) {
  std::vector<const DecidedPoint*> out;
  for (const DecidedPoint& point : decisions.points) {
    if (*point.entry.score == score) out.push_back(&point);
  }
  std::ranges::stable_sort(out, {}, [](const DecidedPoint* point) { return point->entry.share; });
  return out;
}

VerdictCounts counts_of(const DecisionSummary& decisions) {
  VerdictCounts counts;
  for (const DecidedPoint& point : decisions.points) counts.add(point.decision.verdict);
  return counts;
}

bool shows_decisions(const StudySummary& summary) { return summary.decisions && !summary.missing.empty(); }

}  // namespace idleheads
