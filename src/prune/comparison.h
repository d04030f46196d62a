// What switching heads off costs on a task: the answers without them against those with all heads on.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "idleheads/base/progress.h"
#include "idleheads/engine/engine.h"
#include "idleheads/report/summary.h"
#include "idleheads/study/prepared_task.h"

namespace idleheads {

struct Comparison {
  std::string task;
  Metric metric = Metric::acc;
  MetricValue before, after;
  AnswerChanges changes;  // bounds at the confidence that was asked for, each by itself

  // In points; of perplexities 100 times the logarithm of their ratio, which is percent where it is small.
  // Above 0: worse.
  double loss() const { return points_of(metric, before.value) - points_of(metric, after.value); }
};

// `before` and `after`: of the same documents of the task.
Comparison compare_answers(const PreparedTask& task, const std::vector<StoredResult>& before,
                           const std::vector<StoredResult>& after, double confidence);

// "accuracy 69.1 % to 68.4 %: loses 0.7 points (other questions like these: at most 1.9); 31 of 919 answers
// change, KL divergence 0.021 nats".
std::string comparison_text(const Comparison& comparison);

// What to make of a mask that was chosen to lose no more than `within` on some documents, and then was
// compared on others: empty if it keeps within there too.
std::string verdict_text(const Comparison& comparison, double within);

// Results of `documents` under each intervention, in the order of the documents. `means`: what heads that are
// off give; nullptr: zeros.
std::vector<std::vector<StoredResult>> results_under(Engine& engine, const PreparedTask& task,
                                                     std::span<const int64_t> documents,
                                                     std::span<const Intervention> interventions,
                                                     const std::string& phase,
                                                     const ProgressCallback& progress,
                                                     const HeadMeans* means = nullptr);

// The sums of what heads put out over all tokens of the documents' prompts but the first of each, nothing
// switched off.
OutputSums measure_outputs(Engine& engine, const PreparedTask& task, std::span<const int64_t> documents,
                           const ProgressCallback& progress);

}  // namespace idleheads
