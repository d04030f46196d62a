// Accuracies out of a study file: per document, over all, per subject and category (lm-evaluation-harness
// 0.4.5: the first maximum wins, acc_norm divides by the choice's code points, categories pool the errors of
// their subjects).
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "study/store.h"

namespace idleheads {

// What decides a document: the log-likelihoods, or these divided by the choices' lengths.
enum class Metric { acc, acc_norm };

struct Outcome {
  int choice = 0;
  int choice_norm = 0;
  bool correct = false;
  bool correct_norm = false;
};
// `log_likelihoods`: one a choice of the document, at least one.
Outcome outcome_of(const StoredDocument& document, std::span<const float> log_likelihoods);

struct Accuracy {
  int64_t n = 0;                // documents with choices
  double value = 0;             // share of right ones, in [0, 1]; 0 for n = 0
  std::optional<double> error;  // standard error: sample standard deviation / sqrt(n); empty for n < 2
};

struct Accuracies {
  Accuracy acc, acc_norm;
  const Accuracy& of(Metric metric) const { return metric == Metric::acc_norm ? acc_norm : acc; }
};

// Over the documents that have a result and choices.
Accuracies accuracies_of(const std::vector<StoredDocument>& documents,
                         const std::vector<StoredResult>& results);

// One row of the table of subjects.
struct SubjectRow {
  std::string name;
  int depth = 0;  // 0 the task, 1 a category or a subject without one, 2 a subject of a category
  Accuracies accuracies;
};
// The task, then each category in alphabetical order with its subjects in alphabetical order. A task without
// subjects (one group of the task's own name, or no document with choices) gives its one row. Rows over
// several subjects have the pooled standard error.
std::vector<SubjectRow> subject_rows(const std::string& task, const std::vector<StoredDocument>& documents,
                                     const std::vector<StoredResult>& results);

}  // namespace idleheads
