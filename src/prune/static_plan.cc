#include "prune/static_plan.h"

#include <algorithm>
#include <vector>

#include "base/fail.h"
#include "idleheads/report/summary.h"
#include "prune/static_heads.h"

namespace idleheads {
namespace {

constexpr double kAtLeast[] = {0.5, 1};

std::vector<const ScoreSummary*> best_scores(const StudySummary& summary) {
  std::vector<const ScoreSummary*> best;
  for (const size_t i : score_ranking(summary)) {
    if (!summary.scores[i].score->is_random && best.size() < kStaticScores)
      best.push_back(&summary.scores[i]);
  }
  return best;
}

bool is_planned(const std::vector<StoredIntervention>& plan, const StoredIntervention& wanted) {
  return std::ranges::any_of(plan, [&](const StoredIntervention& i) {
    return i.score == wanted.score && i.share == wanted.share && i.at_least == wanted.at_least;
  });
}

}  // namespace

int64_t plan_static_masks(StudyStore& store) {
  const StudySummary summary = summarize(store);
  for (const MissingPart& part : summary.missing) {
    fail("static masks are made of what each intervention had off, and {} has {} of {} documents", part.name,
         part.done, part.documents);
  }
  std::vector<StoredIntervention> plan = store.plan();
  const size_t before = plan.size();
  const int generation = plan.back().generation + 1;
  for (const ScoreSummary* score : best_scores(summary)) {
    for (const CurveEntry& point : score->points) {
      for (const double at_least : kAtLeast) {
        const FixedHeads heads = static_heads(point.frequency, at_least);
        const StoredIntervention mask = {std::string(score->score->slug), point.share,
                                         to_string(Intervention(heads)), generation, at_least};
        if (!heads.heads.empty() && !is_planned(plan, mask)) plan.push_back(mask);
      }
    }
  }
  store.set_plan(plan);
  return std::ssize(plan) - static_cast<int64_t>(before);
}

}  // namespace idleheads
