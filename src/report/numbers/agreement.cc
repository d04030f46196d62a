#include "report/numbers/agreement.h"

#include <cmath>
#include <map>

#include "analysis/overlap.h"
#include "analysis/rank.h"

namespace idleheads {
namespace {

std::optional<double> common_share(const StudySummary& summary) {
  std::map<double, int> counts;
  for (const ScoreSummary& score : summary.scores) {
    for (const CurveEntry& point : score.points) {
      if (point.share > 0) ++counts[point.share];
    }
  }
  const CurveEntry* best = best_point(summary);
  const double wanted = best ? best->share : 0.15;
  std::optional<double> share;
  const auto rank = [&](double candidate) {
    return std::pair(counts[candidate], -std::abs(candidate - wanted));
  };
  for (const auto& [candidate, count] : counts) {
    if (count >= 2 && (!share || rank(candidate) > rank(*share))) share = candidate;
  }
  return share;
}

Overlap overlap_of(const std::vector<StoredResult>& a, const std::vector<StoredResult>& b) {
  Overlap overlap;
  for (size_t d = 0; d < a.size(); ++d) {
    for (size_t k = 0; k < a[d].masks.size(); ++k) overlap.add(a[d].masks[k], b[d].masks[k]);
  }
  return overlap;
}

}  // namespace

std::optional<Agreement> agreement_of(const StudyStore& store, const StudySummary& summary) {
  const std::optional<double> share = common_share(summary);
  if (!share || summary.generates) return std::nullopt;
  Agreement out;
  out.share = *share;
  std::vector<std::vector<StoredResult>> results;
  for (const ScoreSummary& score : summary.scores) {
    for (const CurveEntry& point : score.points) {
      if (point.share != *share) continue;
      out.scores.push_back(score.score);
      results.push_back(store.results(point.intervention, false));
    }
  }
  out.iou.assign(results.size(), std::vector<std::optional<double>>(results.size()));
  for (size_t i = 0; i < results.size(); ++i) {
    for (size_t j = i; j < results.size(); ++j)
      out.iou[i][j] = out.iou[j][i] = overlap_of(results[i], results[j]).iou();
  }
  return out;
}

Matrix2 rank_agreement(const HeadProfiles& profiles) {
  std::vector<std::vector<double>> means;
  for (const ScoreProfile& profile : profiles.scores) {
    std::vector<double>& values = means.emplace_back();
    for (const Spread& head : profile.heads)
      values.push_back(profile.score->inactive_above ? -head.mean : head.mean);
  }
  Matrix2 out(means.size(), std::vector<std::optional<double>>(means.size()));
  for (size_t i = 0; i < means.size(); ++i) {
    for (size_t j = i; j < means.size(); ++j) out[i][j] = out[j][i] = spearman(means[i], means[j]);
  }
  return out;
}

}  // namespace idleheads
