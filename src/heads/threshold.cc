#include "idleheads/heads/threshold.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "base/fail.h"

namespace idleheads {
namespace {

// x at cumulative share y over sorted values with y_i = i / n, linear between neighbours, y clamped to [1/n,
// 1].
float quantile(const std::vector<float>& sorted, double y) {
  const double n = static_cast<double>(sorted.size());
  const double position = std::clamp(y * n, 1.0, n) - 1;  // index of x_i, fractional between two
  const auto below = static_cast<size_t>(position);
  if (below + 1 >= sorted.size()) return sorted.back();
  const double fraction = position - static_cast<double>(below);
  const double low = sorted[below], high = sorted[below + 1];
  // Beside infinity the formula below would give NaN; its limit is the infinite neighbour.
  if (fraction == 0 || low == high) return sorted[below];
  if (!std::isfinite(low) || !std::isfinite(high))
    return std::isfinite(low) ? sorted[below + 1] : sorted[below];
  return static_cast<float>(low + fraction * (high - low));
}

}  // namespace

std::vector<float> thresholds_for_shares(const Score& score, std::vector<float> values,
                                         std::span<const double> shares) {
  std::vector<float> thresholds;
  if (score.is_random) {
    for (const double p : shares) thresholds.push_back(static_cast<float>(p));
    return thresholds;
  }
  std::erase_if(values, [](float x) { return std::isnan(x); });
  if (values.empty()) fail("score {}: no value to take a threshold from (all are NaN)", score.slug);
  std::sort(values.begin(), values.end());
  for (const double p : shares) thresholds.push_back(quantile(values, score.inactive_above ? 1 - p : p));
  return thresholds;
}

float threshold_for_share(const Score& score, std::span<const float> values, double p) {
  const std::array<double, 1> shares = {p};
  return thresholds_for_shares(score, {values.begin(), values.end()}, shares)[0];
}

}  // namespace idleheads
