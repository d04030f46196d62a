#include "idleheads/analysis/curve.h"

#include <algorithm>
#include <cmath>
#include <tuple>

namespace idleheads {
namespace {

std::vector<CurvePoint> sorted_finite(std::vector<CurvePoint> curve) {
  std::erase_if(curve,
                [](const CurvePoint& p) { return !std::isfinite(p.percent) || !std::isfinite(p.accuracy); });
  std::sort(curve.begin(), curve.end(), [](const CurvePoint& a, const CurvePoint& b) {
    return std::tie(a.percent, a.accuracy) < std::tie(b.percent, b.accuracy);
  });
  return curve;
}

// Where the line between two points is at `height`.
double crossing(const CurvePoint& left, const CurvePoint& right, double height) {
  const double part = (height - left.accuracy) / (right.accuracy - left.accuracy);
  return left.percent + part * (right.percent - left.percent);
}

}  // namespace

std::optional<double> largest_inactive_share(std::vector<CurvePoint> curve, double baseline,
                                             double tolerance) {
  curve = sorted_finite(std::move(curve));
  const double line = baseline - tolerance;
  if (curve.empty() || !std::isfinite(line)) return std::nullopt;
  for (size_t i = curve.size() - 1; i > 0; --i) {
    const CurvePoint& left = curve[i - 1];
    const CurvePoint& right = curve[i];
    if ((left.accuracy >= line) == (right.accuracy >= line)) continue;
    return crossing(left, right, line);
  }
  if (curve.back().accuracy < line) return std::nullopt;
  return curve.back().percent;
}

std::optional<double> first_crossing(std::vector<CurvePoint> curve, double baseline, double tolerance) {
  curve = sorted_finite(std::move(curve));
  const double line = baseline - tolerance;
  if (curve.empty() || !std::isfinite(line) || curve.front().accuracy < line) return std::nullopt;
  for (size_t i = 1; i < curve.size(); ++i) {
    if (curve[i].accuracy < line) return crossing(curve[i - 1], curve[i], line);
  }
  return curve.back().percent;
}

std::optional<double> normalized_auc(std::vector<CurvePoint> curve) {
  curve = sorted_finite(std::move(curve));
  if (curve.empty() || curve.front().percent == curve.back().percent) return std::nullopt;
  double area = 0;
  for (size_t i = 1; i < curve.size(); ++i) {
    area += (curve[i].percent - curve[i - 1].percent) * (curve[i].accuracy + curve[i - 1].accuracy) / 2;
  }
  return area / (curve.back().percent - curve.front().percent);
}

}  // namespace idleheads
