#include "analysis/rank.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <set>
#include <stdexcept>

namespace idleheads {
namespace {

std::set<std::string> top(const std::map<std::string, double>& values, size_t k) {
  std::vector<std::pair<double, std::string>> order;
  for (const auto& [name, value] : values) {
    if (std::isfinite(value)) order.emplace_back(-value, name);
  }
  std::sort(order.begin(), order.end());
  std::set<std::string> names;
  for (size_t i = 0; i < std::min(k, order.size()); ++i) names.insert(order[i].second);
  return names;
}

}  // namespace

std::vector<double> ranks(std::span<const double> values) {
  std::vector<size_t> order(values.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::sort(order.begin(), order.end(), [&](size_t i, size_t j) { return values[i] < values[j]; });
  std::vector<double> out(values.size());
  for (size_t begin = 0; begin < order.size();) {
    size_t end = begin + 1;
    while (end < order.size() && values[order[end]] == values[order[begin]]) ++end;
    const double mean = static_cast<double>(begin + 1 + end) / 2;
    for (size_t i = begin; i < end; ++i) out[order[i]] = mean;
    begin = end;
  }
  return out;
}

std::optional<double> spearman(std::span<const double> a, std::span<const double> b) {
  if (a.size() != b.size()) throw std::invalid_argument("spearman: lists of unequal length");
  std::vector<double> x, y;
  for (size_t i = 0; i < a.size(); ++i) {
    if (!std::isfinite(a[i]) || !std::isfinite(b[i])) continue;
    x.push_back(a[i]);
    y.push_back(b[i]);
  }
  if (x.size() < 2) return std::nullopt;
  x = ranks(x);
  y = ranks(y);
  const double mean = (static_cast<double>(x.size()) + 1) / 2;
  double xy = 0, xx = 0, yy = 0;
  for (size_t i = 0; i < x.size(); ++i) {
    xy += (x[i] - mean) * (y[i] - mean);
    xx += (x[i] - mean) * (x[i] - mean);
    yy += (y[i] - mean) * (y[i] - mean);
  }
  if (xx == 0 || yy == 0) return std::nullopt;
  return std::clamp(xy / std::sqrt(xx * yy), -1., 1.);
}

std::optional<double> top_iou(const std::map<std::string, double>& a, const std::map<std::string, double>& b,
                              size_t k) {
  const std::set<std::string> left = top(a, k), right = top(b, k);
  size_t common = 0;
  for (const std::string& name : left) common += right.count(name);
  const size_t all = left.size() + right.size() - common;
  if (all == 0) return std::nullopt;
  return static_cast<double>(common) / static_cast<double>(all);
}

}  // namespace idleheads
