// From log-likelihoods to right answers, accuracies with standard errors, and the table of subjects, as
// lm-evaluation-harness 0.4.5 has them: the first maximum wins, acc_norm divides by the choice's code points,
// rows over several subjects pool the errors of their subjects. Pure functions.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace idleheads {

// What decides a document: the log-likelihoods, or these divided by the choices' lengths.
enum class Metric { acc, acc_norm };

struct Outcome {
  int choice = 0;
  int choice_norm = 0;
  bool correct = false;
  bool correct_norm = false;
};
// `log_likelihoods` and `lengths` (code points): one a choice, at least one; throws std::invalid_argument.
Outcome outcome_of(std::span<const float> log_likelihoods, std::span<const int64_t> lengths, int gold);

struct Accuracy {
  int64_t n = 0;                // documents
  double value = 0;             // share of right ones, in [0, 1]; 0 for n = 0
  std::optional<double> error;  // standard error: sample standard deviation / sqrt(n); empty for n < 2
};
Accuracy accuracy_of(int64_t n, int64_t right);
// Weighted by size; the error is sqrt(sum((n_i - 1) e_i^2 n_i) / (N - k) / N), none if any part has none.
Accuracy pooled(std::span<const Accuracy> parts);

struct Accuracies {
  Accuracy acc, acc_norm;
  const Accuracy& of(Metric metric) const { return metric == Metric::acc_norm ? acc_norm : acc; }
};

// A document that has been answered.
struct AnsweredDocument {
  std::string group;     // the subject
  std::string category;  // may be empty
  Outcome outcome;
};

Accuracies accuracies_of(std::span<const AnsweredDocument> documents);

// One row of the table of subjects.
struct SubjectRow {
  std::string name;
  int depth = 0;  // 0 the task, 1 a category or a subject without one, 2 a subject of a category
  Accuracies accuracies;
};
// The task, then each category in alphabetical order with its subjects in alphabetical order. A task without
// subjects (one group of the task's own name, or no document) gives its one row.
std::vector<SubjectRow> subject_rows(const std::string& task, std::span<const AnsweredDocument> documents);

}  // namespace idleheads
