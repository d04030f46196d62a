// From accuracies at several shares of heads zeroed to the paper's numbers (section 5). Pure functions.
//
// In both, points may come in any order; points that are not finite are left out. Points of equal percent are
// taken in order of rising accuracy: this gives the paper's numbers (its curves have such points) and does
// not depend on the order of the input.
#pragma once

#include <optional>
#include <vector>

namespace idleheads {

struct CurvePoint {
  double percent = 0;   // mean share of heads that were off, in percent of layers x heads
  double accuracy = 0;  // in percent
};

// The largest share, in percent, at which accuracy is still within `tolerance` points of the baseline: points
// sorted by percent; the last crossing of (baseline - tolerance), in either direction, by linear
// interpolation between neighbours. A point exactly on that line is within. All points within: the last
// point's percent. All below, no points, or a baseline that is not finite: none.
std::optional<double> largest_inactive_share(std::vector<CurvePoint> curve, double baseline,
                                             double tolerance = 1.0);

// Where the curve, from its smallest percent on, first falls below that line; the last percent if it never
// does, none where largest_inactive_share has none, and where the first point is below.
std::optional<double> first_crossing(std::vector<CurvePoint> curve, double baseline, double tolerance = 1.0);

// Trapezoid area under accuracy over percent, divided by (x_max - x_min). None with fewer than two distinct
// x.
std::optional<double> normalized_auc(std::vector<CurvePoint> curve);

}  // namespace idleheads
