#include "idleheads/analysis/distance.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace idleheads {
namespace {

void keep_numbers(std::vector<float>& values) {
  std::erase_if(values, [](float value) { return std::isnan(value); });
  std::sort(values.begin(), values.end());
}

}  // namespace

CdfDistance cdf_distance(std::vector<float> a, std::vector<float> b) {
  keep_numbers(a);
  keep_numbers(b);
  if (a.empty() || b.empty()) {
    const double nan = std::numeric_limits<double>::quiet_NaN();
    return {nan, nan};
  }
  CdfDistance out;
  size_t i = 0, j = 0;
  // Between two neighbouring values of either sample both functions are constant.
  while (i < a.size() || j < b.size()) {
    const double x = j == b.size() || (i < a.size() && a[i] <= b[j]) ? a[i] : b[j];
    while (i < a.size() && a[i] <= x) ++i;
    while (j < b.size() && b[j] <= x) ++j;
    const double gap = std::abs(static_cast<double>(i) / static_cast<double>(a.size()) -
                                static_cast<double>(j) / static_cast<double>(b.size()));
    out.kolmogorov_smirnov = std::max(out.kolmogorov_smirnov, gap);
    if (gap == 0) continue;
    const double next = j == b.size() || (i < a.size() && a[i] <= b[j]) ? a[i] : b[j];
    out.wasserstein += gap * (next - x);
  }
  return out;
}

}  // namespace idleheads
