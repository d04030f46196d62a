#include "idleheads/analysis/answer_change.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <stdexcept>

#include "analysis/paired_loss.h"
#include "analysis/spread.h"

namespace idleheads {
namespace {

// Logarithms of the softmax.
std::vector<double> log_distribution(std::span<const float> log_likelihoods) {
  const double most = *std::ranges::max_element(log_likelihoods);
  double sum = 0;
  for (const float value : log_likelihoods) sum += std::exp(value - most);
  std::vector<double> out;
  for (const float value : log_likelihoods) out.push_back(value - most - std::log(sum));
  return out;
}

}  // namespace

AnswerChange answer_change(std::span<const float> all_on, std::span<const float> intervention, int gold) {
  const auto right = static_cast<size_t>(gold);
  if (all_on.size() != intervention.size() || gold < 0 || right >= all_on.size())
    throw std::invalid_argument("answer_change: needs the same choices twice, and the right one of them");
  const std::vector<double> before = log_distribution(all_on), after = log_distribution(intervention);
  AnswerChange out;
  out.log_likelihood = static_cast<double>(intervention[right]) - all_on[right];
  out.probability = std::exp(after[right]) - std::exp(before[right]);
  for (size_t i = 0; i < before.size(); ++i) {
    const double share = std::exp(before[i]);
    if (share > 0) out.kl += share * (before[i] - after[i]);
  }
  out.kl = std::max(out.kl, 0.);  // rounding
  return out;
}

ChangeSpread spread_of_changes(std::vector<double> values) {
  if (values.empty()) throw std::invalid_argument("spread_of_changes: no questions");
  ChangeSpread out;
  out.mean = std::accumulate(values.begin(), values.end(), 0.) / static_cast<double>(values.size());
  out.error = standard_error(values);
  if (values.size() > 1) out.interval = mean_interval(values);
  out.low = percentile(values, 0.05);
  out.median = percentile(values, 0.5);
  out.high = percentile(values, 0.95);
  return out;
}

}  // namespace idleheads
