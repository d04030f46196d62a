// The curves of a study as figures draw them.
#pragma once

#include <vector>

#include "idleheads/report/compare.h"

namespace idleheads::figure {

struct BandPoint {
  double percent = 0, low = 0, high = 0;
};

// In points of the metric, from left to right; of a study that has not all results what the questions asked
// say.
struct CurveLine {
  const Score* score = nullptr;
  std::vector<CurvePoint> points;
  std::vector<BandPoint> band;  // where an interval is known
};

// In the order of the plan. Throws Error if no intervention of the study is finished (or has begun, where
// decisions are shown).
std::vector<CurveLine> curve_lines(const LoadedStudy& study);

// With all heads on, and how far below it heads still count as inactive; in points of the metric.
double baseline_height(const StudySummary& summary);
double tolerance_of(const StudySummary& summary);

}  // namespace idleheads::figure
