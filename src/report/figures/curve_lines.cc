#include "report/figures/curve_lines.h"

#include <algorithm>
#include <cmath>

#include "base/fail.h"
#include "report/figures/caption.h"
#include "report/numbers/certainty.h"
#include "report/numbers/decided.h"

namespace idleheads::figure {
namespace {

// A line of a score begins at the baseline, also where that was not tested.
CurveLine finished_line(const StudySummary& summary, const ScoreSummary& score,
                        const ScoreCertainty* certainty) {
  CurveLine line = {score.score, curve_points(summary, score), {}};
  std::erase_if(line.points, [](const CurvePoint& point) { return !std::isfinite(point.accuracy); });
  if (!certainty) return line;
  const double baseline = baseline_height(summary);
  const bool has_zero =
      std::ranges::any_of(score.points, [](const CurveEntry& point) { return point.share == 0; });
  if (!has_zero) line.band.push_back({0, baseline, baseline});
  for (size_t i = 0; i < score.points.size(); ++i) {
    const Interval& interval = certainty->points[i].difference.interval;
    line.band.push_back({score.points[i].percent_off, baseline + interval.low, baseline + interval.high});
  }
  std::erase_if(line.band, [](const BandPoint& point) { return !std::isfinite(point.low + point.high); });
  return line;
}

std::vector<CurveLine> finished_lines(const LoadedStudy& study) {
  const Certainty certainty = certainty_of(study.store, study.summary);
  std::vector<CurveLine> lines;
  for (size_t i = 0; i < study.summary.scores.size(); ++i) {
    const ScoreSummary& score = study.summary.scores[i];
    if (score.points.empty()) continue;
    lines.push_back(
        finished_line(study.summary, score, certainty.scores.empty() ? nullptr : &certainty.scores[i]));
  }
  return lines;
}

// The baseline less what the questions asked lose. Where hardly one has been asked, the interval is drawn no
// further than kWidest points from that.
std::vector<CurveLine> decided_lines(const StudySummary& summary) {
  constexpr double kWidest = 10;
  const double baseline = baseline_height(summary);
  std::vector<CurveLine> lines;
  for (const DecisionSummary::OfScore& score : summary.decisions->scores) {
    CurveLine line = {score.score, {{0, baseline}}, {{0, baseline, baseline}}};
    for (const DecidedPoint* point : points_of_score(*summary.decisions, *score.score)) {
      const Decision& decision = point->decision;
      if (decision.documents == 0) continue;
      const double estimate = 100 * decision.estimate;
      line.points.push_back({point->entry.percent_off, baseline - estimate});
      line.band.push_back({point->entry.percent_off,
                           baseline - std::min(100 * decision.bounds.high, estimate + kWidest),
                           baseline - std::max(100 * decision.bounds.low, estimate - kWidest)});
    }
    if (line.points.size() > 1) lines.push_back(std::move(line));
  }
  return lines;
}

}  // namespace

std::vector<CurveLine> curve_lines(const LoadedStudy& study) {
  std::vector<CurveLine> lines =
      shows_decisions(study.summary) ? decided_lines(study.summary) : finished_lines(study);
  std::erase_if(lines, [](const CurveLine& line) { return line.points.empty(); });
  if (lines.empty())
    fail("{}: no intervention of the study is finished, so that it has no curve", file_of(study));
  for (CurveLine& line : lines) {
    std::ranges::stable_sort(line.points, {}, &CurvePoint::percent);
    std::ranges::stable_sort(line.band, {}, &BandPoint::percent);
  }
  return lines;
}

double baseline_height(const StudySummary& summary) {
  return points_of(summary.metric, summary.baseline_value().value);
}

double tolerance_of(const StudySummary& summary) {
  return shows_decisions(summary) ? 100 * summary.decisions->terms.tolerance : summary.terms.tolerance;
}

}  // namespace idleheads::figure
