// Accuracy per document, per group and over categories with standard errors (lm-evaluation-harness 0.4.5,
// section 6 of the harness specification: argmax takes the first maximum, acc_norm divides by code points,
// pooled stderr).
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "task/task.h"

namespace idleheads {

// Number of Unicode code points of UTF-8 text.
int64_t code_points(std::string_view text);

struct Prediction {
  int choice = 0;
  int choice_norm = 0;
  bool correct = false;
  bool correct_norm = false;
};
// From the log-likelihoods of all choices of the document.
Prediction predict(const Document& document, std::span<const float> log_likelihoods);

struct Mean {
  int64_t n = 0;
  double value = 0;               // arithmetic mean in [0, 1]
  std::optional<double> stderr_;  // sample standard deviation / sqrt(n); empty for n < 2
};
Mean mean_of(std::span<const uint8_t> correct);
// Weighted by size, pooled standard error.
Mean pooled(std::span<const Mean> leaves);

struct ResultRow {
  std::string name;  // "mmlu", " - stem", "  - anatomy" without the marks
  int depth = 0;     // 0 task, 1 category (or subject without one), 2 subject
  Mean acc, acc_norm;
};
// The table: the task, each category alphabetically followed by its subjects alphabetically (tasks without
// groups: one row). `predictions` is in the order of task.documents.
std::vector<ResultRow> result_table(const Task& task, std::span<const Prediction> predictions);

}  // namespace idleheads
