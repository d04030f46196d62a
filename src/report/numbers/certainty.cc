#include "report/numbers/certainty.h"

#include <algorithm>
#include <cmath>

#include "idleheads/studyfile/answers.h"

namespace idleheads {
namespace {

// The results of one intervention as the bootstrap wants them: the documents that can be measured.
// Results without masks count as one pass with all heads on.
MeasuredRun measured(const AnswersOf& answers, const std::vector<StoredResult>& results) {
  MeasuredRun run;
  for (const StoredResult& result : results) {
    const StoredDocument& document = answers.documents.at(static_cast<size_t>(result.document));
    for (const Contribution& contribution : contributions_of(document, result)) {
      if (contribution.metric != answers.metric) continue;
      run.values.push_back(contribution.value);
      run.sizes.push_back(static_cast<double>(contribution.size));
      HeadFrequency off;
      for (size_t k = 0; k < result.masks.size(); ++k) off.add(result.masks[k], result.passes_of(k));
      run.percent.push_back(100 * off.mean_share());
      run.passes.push_back(static_cast<double>(std::max<int64_t>(1, off.passes)));
    }
  }
  return run;
}

std::optional<Interval> interval_of(const StudySummary& summary, const MetricValues& values) {
  const MetricValue value = value_of(values, summary.metric);
  if (!metric_info(summary.metric).is_share || value.n == 0) return std::nullopt;
  return wilson(std::llround(value.value * static_cast<double>(value.n)), value.n);
}

PointCertainty certainty_of_point(const StudySummary& summary, const CurveEntry& point) {
  PointCertainty out;
  out.accuracy = interval_of(summary, point.values);
  if (metric_info(summary.metric).is_share)
    out.mcnemar = mcnemar_exact(point.changes.lost, point.changes.won);
  return out;
}

// Draws of a handful of documents are nearly all alike, and their interval would claim too much.
bool is_too_few(const StudySummary& summary) {
  constexpr size_t kFewest = 30;
  return summary.documents.size() < kFewest;
}

}  // namespace

PairedDifference difference_of(const AnswersOf& answers, const std::vector<StoredResult>& baseline,
                               const std::vector<StoredResult>& results, uint64_t seed) {
  const std::vector<std::vector<MeasuredRun>> curves = {{measured(answers, results)}};
  return bootstrap(measured(answers, baseline), curves, {.seed = seed}).front().differences.front();
}

Certainty certainty_of(const StudyStore& store, const StudySummary& summary) {
  Certainty out;
  out.baseline = interval_of(summary, summary.baseline);
  const AnswersOf answers = {summary.metric, summary.documents};
  const MeasuredRun baseline = measured(answers, store.results(0, false));
  const bool whole = summary.baseline_done == static_cast<int64_t>(summary.documents.size());
  if (!whole || baseline.values.empty()) return out;
  std::vector<std::vector<MeasuredRun>> curves;
  for (const ScoreSummary& score : summary.scores) {
    std::vector<MeasuredRun>& runs = curves.emplace_back();
    for (const CurveEntry& point : score.points)
      runs.push_back(measured(answers, store.results(point.intervention, false)));
  }
  const std::vector<BootstrapCurve> draws =
      bootstrap(baseline, curves, {.tolerance = summary.terms.tolerance, .seed = summary.terms.seed});
  for (size_t s = 0; s < draws.size(); ++s) {
    ScoreCertainty& score = out.scores.emplace_back();
    if (!is_too_few(summary)) score.inactive_percent = draws[s].inactive_percent;
    score.draws_with_share = draws[s].draws_with_share;
    for (size_t p = 0; p < curves[s].size(); ++p) {
      score.points.push_back(certainty_of_point(summary, summary.scores[s].points[p]));
      score.points.back().difference = draws[s].differences[p];
    }
  }
  return out;
}

}  // namespace idleheads
