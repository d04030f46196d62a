#include "idleheads/analysis/accuracy.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <stdexcept>

namespace idleheads {
namespace {

int first_maximum(std::span<const double> values) {
  return static_cast<int>(std::ranges::max_element(values) - values.begin());
}

struct Sum {
  int64_t n = 0;
  double value = 0;
  int64_t size = 0;
};
using Sums = std::map<Metric, Sum>;

void add(Sums& sums, std::span<const Contribution> contributions) {
  for (const Contribution& contribution : contributions) {
    Sum& sum = sums[contribution.metric];
    ++sum.n;
    sum.value += contribution.value;
    sum.size += contribution.size;
  }
}

MetricValue value_of(Metric metric, const Sum& sum) {
  if (metric_info(metric).is_share) return share_of(sum.n, std::llround(sum.value));
  const double mean = -sum.value / static_cast<double>(sum.size);
  const double value = metric == Metric::bits_per_byte ? mean / std::numbers::ln2 : std::exp(mean);
  return {sum.n, value, std::nullopt};
}

MetricValues values_of(const Sums& sums) {
  MetricValues values;
  for (const auto& [metric, sum] : sums) values[metric] = value_of(metric, sum);
  return values;
}

// Over several subjects: shares are pooled, perplexities are of all documents together.
MetricValues values_of(std::span<const Sums> subjects) {
  Sums together;
  std::map<Metric, std::vector<MetricValue>> parts;
  for (const Sums& subject : subjects) {
    for (const auto& [metric, sum] : subject) {
      Sum& all = together[metric];
      all = {all.n + sum.n, all.value + sum.value, all.size + sum.size};
      parts[metric].push_back(value_of(metric, sum));
    }
  }
  MetricValues values = values_of(together);
  for (auto& [metric, value] : values) {
    if (metric_info(metric).is_share) value = pooled(parts[metric]);
  }
  return values;
}

}  // namespace

Outcome outcome_of(std::span<const float> log_likelihoods, std::span<const int64_t> lengths, int gold) {
  if (log_likelihoods.empty() || log_likelihoods.size() != lengths.size()) {
    throw std::invalid_argument("outcome_of: one log-likelihood a choice is needed");
  }
  const std::vector<double> values(log_likelihoods.begin(), log_likelihoods.end());
  std::vector<double> by_length;
  for (size_t j = 0; j < values.size(); ++j) by_length.push_back(values[j] / static_cast<double>(lengths[j]));
  Outcome outcome;
  outcome.choice = first_maximum(values);
  outcome.choice_norm = first_maximum(by_length);
  outcome.correct = outcome.choice == gold;
  outcome.correct_norm = outcome.choice_norm == gold;
  return outcome;
}

std::vector<Contribution> contributions_of(const Outcome& outcome) {
  return {{Metric::acc, outcome.correct ? 1.0 : 0.0}, {Metric::acc_norm, outcome.correct_norm ? 1.0 : 0.0}};
}

std::vector<Contribution> contributions_of_text(double log_likelihood, int64_t words, int64_t bytes) {
  return {{Metric::word_perplexity, log_likelihood, words},
          {Metric::byte_perplexity, log_likelihood, bytes},
          {Metric::bits_per_byte, log_likelihood, bytes}};
}

MetricValue share_of(int64_t n, int64_t right) {
  MetricValue share;
  share.n = n;
  if (n == 0) return share;
  share.value = static_cast<double>(right) / static_cast<double>(n);
  // For zeros and ones the sample variance is n p (1 - p) / (n - 1).
  if (n > 1) share.error = std::sqrt(share.value * (1 - share.value) / static_cast<double>(n - 1));
  return share;
}

MetricValue pooled(std::span<const MetricValue> parts) {
  MetricValue whole;
  double right = 0, squares = 0;
  bool every_error = true;
  for (const MetricValue& part : parts) {
    const auto n = static_cast<double>(part.n);
    whole.n += part.n;
    right += part.value * n;
    if (part.error) squares += (n - 1) * *part.error * *part.error * n;
    every_error = every_error && part.error.has_value();
  }
  if (whole.n == 0) return whole;
  const auto n = static_cast<double>(whole.n);
  whole.value = right / n;
  const double freedom = n - static_cast<double>(parts.size());
  if (every_error && freedom > 0) whole.error = std::sqrt(squares / freedom / n);
  return whole;
}

MetricValue value_of(const MetricValues& values, Metric metric) {
  const auto found = values.find(metric);
  return found == values.end() ? MetricValue{} : found->second;
}

double points_of(Metric metric, double value) {
  if (metric_info(metric).is_share) return 100 * value;
  return -100 * (metric == Metric::bits_per_byte ? value * std::numbers::ln2 : std::log(value));
}

MetricValues metric_values(std::span<const AnsweredDocument> documents) {
  return subject_rows("", documents).front().values;
}

std::vector<SubjectRow> subject_rows(const std::string& task, std::span<const AnsweredDocument> documents) {
  std::map<std::string, std::map<std::string, Sums>> categories;  // category -> subject -> sums
  for (const AnsweredDocument& document : documents)
    add(categories[document.category][document.group], document.contributions);
  std::vector<SubjectRow> below;
  std::vector<Sums> all;
  for (const auto& [category, subjects] : categories) {
    std::vector<Sums> of_category;
    for (const auto& [subject, sums] : subjects) of_category.push_back(sums);
    if (!category.empty()) below.push_back({category, 1, false, values_of(of_category)});
    for (const auto& [subject, sums] : subjects)
      below.push_back({subject, category.empty() ? 1 : 2, true, values_of(sums)});
    all.insert(all.end(), of_category.begin(), of_category.end());
  }
  const bool only_itself = below.size() == 1 && below[0].name == task;
  std::vector<SubjectRow> table = {{task, 0, only_itself, values_of(all)}};
  if (!only_itself) table.insert(table.end(), below.begin(), below.end());
  return table;
}

}  // namespace idleheads
