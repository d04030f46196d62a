// From what documents contribute to the values of metrics with standard errors, and the table of subjects, as
// lm-evaluation-harness 0.4.5 has them: the first maximum wins, acc_norm divides by the choice's code points,
// rows over several subjects pool the errors of their subjects, perplexities are over all documents together.
// Pure functions.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "idleheads/analysis/metric.h"

namespace idleheads {

// What decides a question with choices: the log-likelihoods, or these divided by the choices' lengths.
struct Outcome {
  int choice = 0;
  int choice_norm = 0;
  bool correct = false;
  bool correct_norm = false;
};
// `log_likelihoods` and `lengths` (code points): one a choice, at least one; throws std::invalid_argument.
Outcome outcome_of(std::span<const float> log_likelihoods, std::span<const int64_t> lengths, int gold);

// What one document adds to one metric.
struct Contribution {
  Metric metric = Metric::acc;
  double value = 0;  // shares: 1 if right, else 0; perplexities: the log-likelihood
  int64_t size = 1;  // perplexities: the words or bytes it is over
};
std::vector<Contribution> contributions_of(const Outcome& outcome);  // acc, acc_norm
std::vector<Contribution> contributions_of_text(double log_likelihood, int64_t words, int64_t bytes);

struct MetricValue {
  int64_t n = 0;                // documents
  double value = 0;             // a share in [0, 1] or a perplexity; 0 for n = 0
  std::optional<double> error;  // sample standard deviation / sqrt(n); empty for n < 2 and for perplexities
};
using MetricValues = std::map<Metric, MetricValue>;

MetricValue share_of(int64_t n, int64_t right);
// Weighted by size; the error is sqrt(sum((n_i - 1) e_i^2 n_i) / (N - k) / N), none if any part has none.
MetricValue pooled(std::span<const MetricValue> parts);
// n = 0 if nothing contributed to the metric.
MetricValue value_of(const MetricValues& values, Metric metric);

// The value as height of a curve, in points, higher is better: shares in percent; perplexities as -100 times
// their natural logarithm, so that one point is one percent of perplexity.
double points_of(Metric metric, double value);

// A document with results.
struct AnsweredDocument {
  std::string group;     // the subject
  std::string category;  // may be empty
  std::vector<Contribution> contributions;
};

// Errors of shares are pooled over the subjects, as lm-evaluation-harness has them.
MetricValues metric_values(std::span<const AnsweredDocument> documents);

// One row of the table of subjects.
struct SubjectRow {
  std::string name;
  int depth = 0;            // 0 the task, 1 a category or a subject without one, 2 a subject of a category
  bool is_subject = false;  // else it is over several, or none
  MetricValues values;
};
// The task, then each category in alphabetical order with its subjects in alphabetical order. A task without
// subjects (one group of the task's own name, or no document) gives its one row.
std::vector<SubjectRow> subject_rows(const std::string& task, std::span<const AnsweredDocument> documents);

}  // namespace idleheads
