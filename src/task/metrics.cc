#include "task/metrics.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <stdexcept>

namespace idleheads {
namespace {

int first_maximum(std::span<const double> values) {
  return static_cast<int>(std::ranges::max_element(values) - values.begin());
}

// 0 and 1 of the documents of one group.
struct Outcomes {
  std::vector<uint8_t> acc, acc_norm;
};

ResultRow row_of(std::string name, int depth, std::span<const ResultRow> leaves) {
  std::vector<Mean> acc, acc_norm;
  for (const ResultRow& leaf : leaves) {
    acc.push_back(leaf.acc);
    acc_norm.push_back(leaf.acc_norm);
  }
  return {std::move(name), depth, pooled(acc), pooled(acc_norm)};
}

}  // namespace

int64_t code_points(std::string_view text) {
  return std::ranges::count_if(text, [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; });
}

Prediction predict(const Document& document, std::span<const float> log_likelihoods) {
  if (log_likelihoods.empty() || log_likelihoods.size() != document.choices.size()) {
    throw std::logic_error("predict: one log-likelihood a choice is needed");
  }
  const std::vector<double> values(log_likelihoods.begin(), log_likelihoods.end());
  std::vector<double> by_length;
  for (size_t j = 0; j < values.size(); ++j) {
    by_length.push_back(values[j] / static_cast<double>(code_points(document.choices[j])));
  }
  Prediction prediction;
  prediction.choice = first_maximum(values);
  prediction.choice_norm = first_maximum(by_length);
  prediction.correct = prediction.choice == document.gold;
  prediction.correct_norm = prediction.choice_norm == document.gold;
  return prediction;
}

Mean mean_of(std::span<const uint8_t> correct) {
  Mean mean;
  mean.n = static_cast<int64_t>(correct.size());
  if (mean.n == 0) return mean;
  const auto n = static_cast<double>(mean.n);
  double sum = 0;
  for (const uint8_t c : correct) sum += c;
  mean.value = sum / n;
  if (mean.n < 2) return mean;
  double squares = 0;
  for (const uint8_t c : correct) squares += (c - mean.value) * (c - mean.value);
  mean.stderr_ = std::sqrt(squares / (n - 1)) / std::sqrt(n);
  return mean;
}

Mean pooled(std::span<const Mean> leaves) {
  Mean mean;
  double sum = 0, squares = 0;
  bool every_stderr = true;
  for (const Mean& leaf : leaves) {
    const auto n = static_cast<double>(leaf.n);
    mean.n += leaf.n;
    sum += leaf.value * n;
    if (leaf.stderr_) {
      squares += (n - 1) * *leaf.stderr_ * *leaf.stderr_ * n;
    } else {
      every_stderr = false;
    }
  }
  if (mean.n == 0) return mean;
  const auto n = static_cast<double>(mean.n);
  mean.value = sum / n;
  const double freedom = n - static_cast<double>(leaves.size());
  if (every_stderr && freedom > 0) mean.stderr_ = std::sqrt(squares / freedom / n);
  return mean;
}

std::vector<ResultRow> result_table(const Task& task, std::span<const Prediction> predictions) {
  if (predictions.size() != task.documents.size()) {
    throw std::logic_error("result_table: one prediction a document is needed");
  }
  std::map<std::string, Outcomes> outcomes;
  for (size_t i = 0; i < predictions.size(); ++i) {
    Outcomes& group = outcomes[task.documents[i].group];
    group.acc.push_back(predictions[i].correct);
    group.acc_norm.push_back(predictions[i].correct_norm);
  }
  std::vector<ResultRow> all;
  std::map<std::string, std::vector<ResultRow>> by_category;
  for (const Group& group : task.groups) {
    const Outcomes& results = outcomes[group.name];
    const int depth = group.category.empty() ? 1 : 2;
    all.push_back({group.name, depth, mean_of(results.acc), mean_of(results.acc_norm)});
    by_category[group.category].push_back(all.back());
  }
  std::vector<ResultRow> table = {row_of(task.name, 0, all)};
  if (task.groups.size() == 1 && task.groups[0].name == task.name) return table;
  for (auto& [category, rows] : by_category) {
    std::ranges::sort(rows, {}, &ResultRow::name);
    if (!category.empty()) table.push_back(row_of(category, 1, rows));
    table.insert(table.end(), rows.begin(), rows.end());
  }
  return table;
}

}  // namespace idleheads
