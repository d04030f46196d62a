#include "prune/comparison.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "idleheads/study/evaluate.h"
#include "idleheads/studyfile/answers.h"
#include "report/numbers/answer_changes.h"
#include "report/terminal/show_text.h"

namespace idleheads {
namespace {

// Of a perplexity in percent, from its loss.
double rise_of(double loss) { return 100 * std::expm1(loss / 100); }

std::string bound_text(const Comparison& c) {
  if (!std::isfinite(c.changes.loss_bound)) return "";
  const bool share = metric_info(c.metric).is_share;
  return fmt::format(" ({}: at most {:.1f})", share ? "other questions like these" : "other texts like these",
                     share ? c.changes.loss_bound : rise_of(c.changes.loss_bound));
}

}  // namespace

Comparison compare_answers(const PreparedTask& task, const std::vector<StoredResult>& before,
                           const std::vector<StoredResult>& after, double confidence) {
  Comparison out;
  out.task = task.task.name;
  out.metric = task.task.metrics.front();
  out.before = value_of(metric_values(answered(task.stored, before)), out.metric);
  out.after = value_of(metric_values(answered(task.stored, after)), out.metric);
  out.changes = answer_changes({out.metric, task.stored}, before, after, confidence);
  return out;
}

std::string comparison_text(const Comparison& c) {
  const bool share = metric_info(c.metric).is_share;
  const double loss = share ? c.loss() : rise_of(c.loss());
  const char* verb = share ? (loss < 0 ? "gains" : "loses") : (loss < 0 ? "falls by" : "rises by");
  std::string text = fmt::format(
      "{} {} to {}: {} {:.1f} {}{}", metric_noun(c.metric), plain_value_text(c.metric, c.before.value),
      plain_value_text(c.metric, c.after.value), verb, std::abs(loss), share ? "points" : "%", bound_text(c));
  if (share) text += fmt::format("; {} of {} answers change", c.changes.changed, c.before.n);
  if (c.changes.kl) text += fmt::format(", KL divergence {:.3g} nats", c.changes.kl->mean);
  return text;
}

std::string verdict_text(const Comparison& c, double within) {
  if (c.loss() <= within + 1e-9) return "";
  return fmt::format(
      "That is more than {}: what looked harmless to choose by was chance. Choose by more of them, or with a "
      "smaller --within.",
      tolerance_text(c.metric, within));
}

std::vector<std::vector<StoredResult>> results_under(Engine& engine, const PreparedTask& task,
                                                     std::span<const int64_t> documents,
                                                     std::span<const Intervention> interventions,
                                                     const std::string& phase,
                                                     const ProgressCallback& progress,
                                                     const HeadMeans* means) {
  std::vector<std::vector<StoredResult>> out(interventions.size());
  EvaluateOptions options;
  options.phase = phase;
  options.progress = progress;
  options.means = means;
  evaluate(engine, task, documents, interventions, options, [&](Results results) {
    for (auto& [number, result] : results) {
      result.masks.clear();
      out[static_cast<size_t>(number)].push_back(std::move(result));
    }
  });
  for (std::vector<StoredResult>& results : out) std::ranges::sort(results, {}, &StoredResult::document);
  return out;
}

OutputSums measure_outputs(Engine& engine, const PreparedTask& task, std::span<const int64_t> documents,
                           const ProgressCallback& progress) {
  OutputSums sums;
  EvaluateOptions options;
  options.phase = "means of " + task.task.name;
  options.progress = progress;
  options.outputs = &sums;
  const std::vector<Intervention> none = {std::monostate{}};
  evaluate(engine, task, documents, none, options, [](const Results&) {});
  return sums;
}

}  // namespace idleheads
