#include "evaluation/task_runs.h"

#include <fmt/format.h>

#include <algorithm>

#include "evaluation/rules.h"
#include "idleheads/study/runner.h"
#include "idleheads/studyfile/answers.h"
#include "prune/comparison.h"
#include "report/numbers/certainty.h"
#include "task/formats.h"

namespace idleheads {
namespace {

std::vector<StoredResult> baseline_of(Engine& engine, const PreparedTask& task, EvaluateOptions options) {
  const std::vector<Intervention> none = {std::monostate{}};
  std::vector<StoredResult> baseline;
  options.stats = true;
  options.phase = "calibration of " + task.task.name;
  evaluate(engine, task, all_documents(task), none, options, [&](auto results) {
    for (auto& [number, result] : results) baseline.push_back(std::move(result));
  });
  return baseline;
}

RuleRun& run_of(const Intervention& intervention, bool mean, std::vector<RuleRun>& runs) {
  const auto found = std::ranges::find_if(
      runs, [&](const RuleRun& run) { return run.intervention == intervention && run.mean == mean; });
  if (found != runs.end()) return *found;
  runs.push_back({intervention, mean, {}});
  return runs.back();
}

// The rows of subjects and categories that were asked for as tasks of their own, the latter with their
// subjects: these begin at depth 0, and there is none over all of them.
std::vector<SubjectRow> rows_of_parts(std::span<const SubjectRow> rows,
                                      const std::vector<std::string>& parts) {
  std::vector<SubjectRow> out;
  bool in_category = false;  // that was asked for
  for (SubjectRow row : rows) {
    const bool asked = std::ranges::any_of(parts, [&](const std::string& part) {
      return names_group(part, {row.name, "", 0});
    });
    if (!row.is_subject) in_category = asked;
    if (!asked && !in_category) continue;
    row.depth = row.is_subject && in_category ? 1 : 0;
    out.push_back(std::move(row));
  }
  return out;
}

std::optional<RunDifference> difference_between(const TaskRun& before, const TaskRun& after, uint64_t seed) {
  constexpr double kConfidence = 0.95;  // of bounds, which are not shown
  const Comparison c = compare_answers(*after.task, before.results, after.results, kConfidence);
  if (c.before.n == 0) return std::nullopt;
  RunDifference out;
  out.metric = c.metric;
  out.baseline = c.before;
  const PairedDifference paired =
      difference_of({c.metric, after.task->stored}, before.results, after.results, seed);
  out.points = paired.points;
  out.low = paired.interval.low;
  out.high = paired.interval.high;
  out.changed = c.changes.changed;
  out.lost = c.changes.lost;
  out.won = c.changes.won;
  if (c.changes.kl) out.kl = c.changes.kl->mean;
  return out;
}

}  // namespace

std::string RuleRun::name() const { return to_string(intervention) + (mean ? " as means" : ""); }

std::string RuleRun::short_name() const {
  constexpr size_t kMostHeads = 6;
  const auto* fixed = std::get_if<FixedHeads>(&intervention);
  if (fixed == nullptr || fixed->heads.size() <= kMostHeads) return name();
  return fmt::format("{} heads, {} to {}{}", fixed->heads.size(), to_string(fixed->heads.front()),
                     to_string(fixed->heads.back()), mean ? ", as means" : "");
}

HeadFrequency RuleRun::frequency() const {
  HeadFrequency all;
  for (const TaskRun& run : tasks) all.add(run.frequency);
  return all;
}

std::vector<Intervention> interventions_for(Engine& engine, const PreparedTask& task,
                                            const std::vector<std::string>& rules,
                                            const EvaluateOptions& options) {
  std::vector<StoredResult> baseline;
  return parse_rules(rules, [&](const ShareRule& rule) {
    check_score(*rule.score, engine.model().spec());
    if (baseline.empty()) baseline = baseline_of(engine, task, options);
    return calibrate(*rule.score, baseline, task.stored, options.seed, std::span(&rule.share, 1))[0];
  });
}

void evaluate_task(Engine& engine, const PreparedTask& task, const std::vector<Intervention>& interventions,
                   const EvaluateOptions& options, std::vector<RuleRun>& runs) {
  std::vector<TaskRun> found(interventions.size());
  evaluate(engine, task, all_documents(task), interventions, options, [&](auto results) {
    for (auto& [number, result] : results) {
      TaskRun& run = found[static_cast<size_t>(number)];
      for (size_t k = 0; k < result.masks.size(); ++k)
        run.frequency.add(result.masks[k], result.passes_of(k));
      result.masks.clear();
      run.results.push_back(std::move(result));
    }
  });
  for (size_t i = 0; i < found.size(); ++i) {
    found[i].task = &task;
    found[i].rows = subject_rows(task.task.name, answered(task.stored, found[i].results));
    if (!task.task.parts.empty()) found[i].rows = rows_of_parts(found[i].rows, task.task.parts);
    run_of(interventions[i], options.means != nullptr, runs).tasks.push_back(std::move(found[i]));
  }
}

void add_differences(std::vector<RuleRun>& runs, uint64_t seed) {
  const auto baseline = std::ranges::find_if(runs, &RuleRun::is_baseline);
  if (baseline == runs.end()) return;
  for (RuleRun& rule : runs) {
    if (rule.is_baseline()) continue;
    for (TaskRun& run : rule.tasks) {
      const auto before = std::ranges::find(baseline->tasks, run.task, &TaskRun::task);
      if (before != baseline->tasks.end()) run.difference = difference_between(*before, run, seed);
    }
  }
}

}  // namespace idleheads
