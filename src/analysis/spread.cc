#include "analysis/spread.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <stdexcept>

namespace idleheads {
namespace {

// Welford's running mean and sum of squares.
class RunningMoments {
 public:
  void add(double value) {
    ++n_;
    const double before = value - mean_;
    mean_ += before / static_cast<double>(n_);
    squares_ += before * (value - mean_);
  }
  int64_t n() const { return n_; }
  double mean() const { return n_ > 0 ? mean_ : std::numeric_limits<double>::quiet_NaN(); }
  double deviation() const {
    return n_ > 1 ? std::sqrt(squares_ / static_cast<double>(n_ - 1))
                  : std::numeric_limits<double>::quiet_NaN();
  }

 private:
  int64_t n_ = 0;
  double mean_ = 0, squares_ = 0;
};

}  // namespace

Spread spread_of(std::span<const float> values, std::span<const int> groups) {
  if (values.size() != groups.size()) throw std::invalid_argument("spread_of: lists of unequal length");
  RunningMoments all, means;
  std::map<int, RunningMoments> by_group;
  for (size_t i = 0; i < values.size(); ++i) {
    if (std::isnan(values[i])) continue;
    all.add(values[i]);
    by_group[groups[i]].add(values[i]);
  }
  for (const auto& [group, moments] : by_group) means.add(moments.mean());
  return {all.n(), all.mean(), all.deviation(), means.deviation()};
}

double mean_of(std::span<const float> values) {
  RunningMoments all;
  for (const float value : values) {
    if (!std::isnan(value)) all.add(value);
  }
  return all.mean();
}

std::vector<float> quantiles_of(std::vector<float> values, int count) {
  std::erase_if(values, [](float value) { return std::isnan(value); });
  if (values.empty()) return {};
  std::sort(values.begin(), values.end());
  std::vector<float> out;
  for (int i = 0; i < count; ++i) {
    const double position = static_cast<double>(i) / (count - 1) * static_cast<double>(values.size() - 1);
    const auto below = static_cast<size_t>(position);
    const size_t above = std::min(below + 1, values.size() - 1);
    const double low = values[below], high = values[above];
    out.push_back(
        static_cast<float>(low == high ? low : low + (position - static_cast<double>(below)) * (high - low)));
  }
  return out;
}

double percentile(std::vector<double>& values, double share) {
  if (values.empty() || !(share >= 0 && share <= 1))
    throw std::invalid_argument("percentile: needs values, and a share in [0, 1]");
  std::sort(values.begin(), values.end());
  const double position = share * static_cast<double>(values.size() - 1);
  const auto below = static_cast<size_t>(position);
  if (below + 1 >= values.size() || values[below] == values[below + 1]) return values[below];
  return values[below] + (position - static_cast<double>(below)) * (values[below + 1] - values[below]);
}

}  // namespace idleheads
