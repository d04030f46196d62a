// From accuracies at several shares of heads zeroed to the paper's numbers (section 5; design 1). Pure functions.
#pragma once

#include <optional>
#include <span>
#include <vector>

namespace idleheads {

struct CurvePoint {
  double percent = 0;   // mean share of heads that were off, in percent of layers x heads
  double accuracy = 0;  // in percent
};

// The largest share, in percent, at which accuracy is still within `tolerance` points of the baseline: points sorted by
// percent; the last crossing of (baseline - tolerance) by linear interpolation between neighbours. All points above:
// the last point's percent. None crosses and all below, or no points: none.
std::optional<double> largest_inactive_share(std::vector<CurvePoint> curve, double baseline, double tolerance = 1.0);

// Trapezoid area under accuracy over percent, divided by (x_max - x_min). None with fewer than two distinct x.
std::optional<double> normalized_auc(std::vector<CurvePoint> curve);

}  // namespace idleheads
