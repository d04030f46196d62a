#include "evaluation/task_runs.h"

#include <algorithm>

#include "evaluation/rules.h"
#include "idleheads/study/runner.h"
#include "idleheads/studyfile/answers.h"
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

}  // namespace

std::string RuleRun::name() const { return to_string(intervention) + (mean ? " as means" : ""); }

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

}  // namespace idleheads
