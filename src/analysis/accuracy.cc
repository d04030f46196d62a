#include "analysis/accuracy.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <stdexcept>

namespace idleheads {
namespace {

int first_maximum(std::span<const double> values) {
  return static_cast<int>(std::ranges::max_element(values) - values.begin());
}

// Counts of right answers give mean and standard error of zeros and ones.
struct Count {
  int64_t n = 0, right = 0, right_norm = 0;

  void add(const Outcome& outcome) {
    ++n;
    right += outcome.correct;
    right_norm += outcome.correct_norm;
  }
};

Accuracies accuracies_of(const Count& count) {
  return {accuracy_of(count.n, count.right), accuracy_of(count.n, count.right_norm)};
}

SubjectRow pooled_row(std::string name, int depth, std::span<const SubjectRow> subjects) {
  std::vector<Accuracy> acc, acc_norm;
  for (const SubjectRow& subject : subjects) {
    acc.push_back(subject.accuracies.acc);
    acc_norm.push_back(subject.accuracies.acc_norm);
  }
  return {std::move(name), depth, {pooled(acc), pooled(acc_norm)}};
}

}  // namespace

Accuracy accuracy_of(int64_t n, int64_t right) {
  Accuracy accuracy;
  accuracy.n = n;
  if (n == 0) return accuracy;
  accuracy.value = static_cast<double>(right) / static_cast<double>(n);
  // For zeros and ones the sample variance is n p (1 - p) / (n - 1).
  if (n > 1) accuracy.error = std::sqrt(accuracy.value * (1 - accuracy.value) / static_cast<double>(n - 1));
  return accuracy;
}

Accuracy pooled(std::span<const Accuracy> parts) {
  Accuracy whole;
  double right = 0, squares = 0;
  bool every_error = true;
  for (const Accuracy& part : parts) {
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

Accuracies accuracies_of(std::span<const AnsweredDocument> documents) {
  Count count;
  for (const AnsweredDocument& document : documents) count.add(document.outcome);
  return accuracies_of(count);
}

std::vector<SubjectRow> subject_rows(const std::string& task, std::span<const AnsweredDocument> documents) {
  std::map<std::string, std::map<std::string, Count>> categories;  // category -> subject -> count
  for (const AnsweredDocument& document : documents)
    categories[document.category][document.group].add(document.outcome);
  std::vector<SubjectRow> all, below;
  for (const auto& [category, subjects] : categories) {
    std::vector<SubjectRow> rows;
    const int depth = category.empty() ? 1 : 2;
    for (const auto& [subject, count] : subjects) rows.push_back({subject, depth, accuracies_of(count)});
    if (!category.empty()) below.push_back(pooled_row(category, 1, rows));
    below.insert(below.end(), rows.begin(), rows.end());
    all.insert(all.end(), rows.begin(), rows.end());
  }
  std::vector<SubjectRow> table = {pooled_row(task, 0, all)};
  const bool only_itself = all.size() == 1 && below.size() == 1 && all[0].name == task;
  if (!only_itself) table.insert(table.end(), below.begin(), below.end());
  return table;
}

}  // namespace idleheads
