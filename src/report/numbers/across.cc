#include "report/numbers/across.h"

#include <algorithm>
#include <limits>
#include <tuple>

#include "report/numbers/model_curves.h"

namespace idleheads {
namespace {

bool is_tested_by_all(const std::vector<LoadedStudy>& studies, const Score& score) {
  return std::ranges::all_of(studies, [&](const LoadedStudy& study) {
    const ScoreSummary* tested = find_tested(study.summary, score);
    return tested && !tested->points.empty();
  });
}

int order_of(const Score* score) {
  if (score->is_random) return 2;
  return score->normaliser == Score::Normaliser::one ? 1 : 0;
}

// Of the study where it is least: what is sure, what was found, and the sum of what was found in all.
std::tuple<double, double, double> rank_of(const std::vector<LoadedStudy>& studies, const Score& score) {
  double sure = std::numeric_limits<double>::infinity(), found = sure, sum = 0;
  for (const LoadedStudy& study : studies) {
    const ScoreSummary& tested = *find_tested(study.summary, score);
    sure = std::min(sure, tested.sure_percent());
    found = std::min(found, tested.inactive_percent.value_or(0));
    sum += tested.inactive_percent.value_or(0);
  }
  return {sure, found, sum};
}

}  // namespace

AcrossStudies across_studies(const std::vector<LoadedStudy>& studies) {
  AcrossStudies out;
  for (const Score& score : all_scores()) {
    if (is_tested_by_all(studies, score)) out.scores.push_back(&score);
  }
  std::ranges::stable_sort(out.scores, {}, order_of);
  for (const Score* score : out.scores) {
    if (score->is_random) continue;
    if (!out.best || rank_of(studies, *score) > rank_of(studies, *out.best)) out.best = score;
  }
  std::vector<ScoreValues> areas;
  for (const LoadedStudy& study : studies) areas.push_back(normalized_areas(curves_of(study.summary)));
  out.rank_correlation = spearman_matrix(areas);
  out.top_overlap = top_iou_matrix(areas);
  return out;
}

}  // namespace idleheads
