#include "idleheads/study/cohort_size.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace idleheads {
namespace {

// Cohorts of less different sizes say nothing of what size does.
constexpr double kOtherSize = 1.3;
constexpr double kMostRows = 1e18;
// Enough for products at full speed, few enough for the slowest machine.
constexpr int64_t kFirstRows = 512;

int64_t whole(double rows) { return static_cast<int64_t>(std::clamp(rows, 1.0, kMostRows)); }

}  // namespace

CohortSize::CohortSize(int64_t most, double seconds) : most_(most), seconds_(seconds) {}

CohortSize CohortSize::of_any_time(int64_t most) {
  return CohortSize(most, std::numeric_limits<double>::infinity());
}

void CohortSize::add(int64_t rows, double computed, double seconds) {
  if (rows <= 0 || computed <= 0) return;
  constexpr double kLeast = 1e-9;  // a clock may stand still
  const auto size = static_cast<double>(rows);
  seconds_per_row_ = std::max(seconds, kLeast) / (size * computed);
  sharing_.push_back({size, computed});
}

bool CohortSize::is_of_any_time() const { return std::isinf(seconds_); }

CohortSize::Fit CohortSize::fit() const {
  double weight = 0, x = 0, y = 0, xx = 0, xy = 0;
  double smallest = kMostRows, largest = 0;
  for (const Sharing& cohort : sharing_) {
    const double inverse = 1 / cohort.rows;
    weight += cohort.rows;
    x += cohort.rows * inverse;
    y += cohort.rows * cohort.computed;
    xx += cohort.rows * inverse * inverse;
    xy += cohort.rows * inverse * cohort.computed;
    smallest = std::min(smallest, cohort.rows);
    largest = std::max(largest, cohort.rows);
  }
  if (weight == 0) return {};
  if (largest < kOtherSize * smallest) return {.own = y / weight, .common = 0};
  const double common = std::max(0.0, (weight * xy - x * y) / (weight * xx - x * x));
  return {.own = std::max(0.0, (y - common * x) / weight), .common = common};
}

int64_t CohortSize::rows() const {
  if (is_of_any_time()) return most_;
  if (!is_measured()) return std::min(most_, kFirstRows);
  const Fit sharing = fit();
  // seconds = (own n + common) seconds_per_row
  const double in_time =
      sharing.own > 0 ? (seconds_ / seconds_per_row_ - sharing.common) / sharing.own : kMostRows;
  const double most = sharing.at(static_cast<double>(most_));
  const double cheap = sharing.common / ((1 + kMostCost) * most - sharing.own);
  return std::min(most_, whole(std::max(in_time, sharing.common > 0 ? cheap : 0.0)));
}

int64_t CohortSize::rows_in_time() const { return whole(seconds_ / seconds_per_row_); }

double CohortSize::seconds_of(int64_t rows) const {
  const auto size = static_cast<double>(rows);
  return size * std::min(1.0, fit().at(size)) * seconds_per_row_;
}

}  // namespace idleheads
