// idleheads eval MODEL --task T [--ablate RULE | --mask heads.json]: accuracy, with heads switched off if
// asked.
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <numeric>

#include "base/error.h"
#include "cli/commands.h"
#include "cli/options.h"
#include "cli/rules.h"
#include "cli/terminal.h"
#include "format/json.h"
#include "study/answers.h"
#include "study/evaluate.h"

namespace idleheads::cli {
namespace {

struct Eval {
  EngineFlags engine;
  TaskFlags task;
  std::vector<std::string> ablate;
  std::string mask;
  bool json = false;
};

struct Run {
  Intervention intervention;
  double share_off = 0;  // mean over samples, in [0, 1]
  std::vector<SubjectRow> rows;
};

std::vector<int64_t> all_documents(const PreparedTask& task) {
  std::vector<int64_t> documents(task.documents.size());
  std::iota(documents.begin(), documents.end(), 0);
  return documents;
}

// Statistics of the unablated model over the same questions, made once and only if a rule needs them.
class TaskCalibration {
 public:
  TaskCalibration(Engine& engine, const PreparedTask& task, EvaluateOptions options)
      : engine_(engine), task_(task), options_(std::move(options)) {}

  float threshold(const ShareRule& rule) {
    if (baseline_.empty()) {
      const std::vector<Intervention> none = {std::monostate{}};
      options_.stats = true;
      options_.phase = "calibration";
      evaluate(engine_, task_, all_documents(task_), none, options_, [&](auto results) {
        for (auto& [number, result] : results) baseline_.push_back(std::move(result));
      });
    }
    return calibrate(*rule.score, baseline_, task_, options_.seed, std::span(&rule.share, 1))[0];
  }

 private:
  Engine& engine_;
  const PreparedTask& task_;
  EvaluateOptions options_;
  std::vector<StoredResult> baseline_;
};

std::vector<Run> evaluate_rules(Engine& engine, const PreparedTask& task,
                                const std::vector<Intervention>& interventions,
                                const EvaluateOptions& options) {
  std::vector<Run> runs(interventions.size());
  std::vector<std::vector<StoredResult>> answers(interventions.size());
  std::vector<int64_t> samples(interventions.size());
  for (size_t i = 0; i < runs.size(); ++i) runs[i].intervention = interventions[i];
  evaluate(engine, task, all_documents(task), interventions, options, [&](auto results) {
    for (auto& [number, result] : results) {
      const auto i = static_cast<size_t>(number);
      for (const HeadMask& mask : result.masks) runs[i].share_off += mask.share();
      samples[i] += static_cast<int64_t>(result.masks.size());
      result.masks.clear();
      answers[i].push_back(std::move(result));
    }
  });
  for (size_t i = 0; i < runs.size(); ++i) {
    runs[i].share_off /= static_cast<double>(std::max<int64_t>(1, samples[i]));
    runs[i].rows = subject_rows(task.task.name, answered(task.stored, answers[i]));
  }
  return runs;
}

bool has_metric(const Task& task, std::string_view metric) {
  return std::find(task.metrics.begin(), task.metrics.end(), metric) != task.metrics.end();
}

// The table of lm-evaluation-harness.
void print_text(const Task& task, const std::vector<Run>& runs) {
  size_t width = 5;
  for (const SubjectRow& row : runs.front().rows)
    width = std::max(width, row.name.size() + 2 * static_cast<size_t>(row.depth) + 2);
  for (const Run& run : runs) {
    if (!std::holds_alternative<std::monostate>(run.intervention)) {
      fmt::print("ablate {}: {:.2f}% of the heads off on average\n", to_string(run.intervention),
                 100 * run.share_off);
    }
    fmt::print("|{:<{}}|Version|Filter|n-shot| Metric |   |Value |   |Stderr|\n", "Tasks", width);
    fmt::print("|{:-<{}}|------:|------|-----:|--------|---|-----:|---|-----:|\n", "", width);
    for (const SubjectRow& row : run.rows) {
      const std::string name =
          row.depth == 0 ? row.name : std::string(static_cast<size_t>(row.depth), ' ') + "- " + row.name;
      bool first = true;
      for (const auto& [metric, accuracy] :
           {std::pair("acc", &row.accuracies.acc), std::pair("acc_norm", &row.accuracies.acc_norm)}) {
        if (!has_metric(task, metric)) continue;
        fmt::print("|{:<{}}|{:>7}|{:<6}|{:>6}|{:<8}|↑  |{:6.4f}|±  |{:>6}|\n", first ? name : "", width,
                   first ? task.version : "", "none", task.shots, metric, accuracy->value,
                   accuracy->error ? fmt::format("{:.4f}", *accuracy->error) : "N/A");
        first = false;
      }
    }
  }
}

Json accuracy_json(const Accuracy& accuracy) {
  return {{"value", accuracy.value},
          {"stderr", accuracy.error ? Json(*accuracy.error) : Json(nullptr)},
          {"n", accuracy.n}};
}

void print_json(const Eval& eval, const Task& task, const std::vector<Run>& runs) {
  Json out = {
      {"model", eval.engine.model}, {"task", task.name}, {"shots", task.shots}, {"runs", Json::array()}};
  for (const Run& run : runs) {
    Json rows = Json::array();
    for (const SubjectRow& row : run.rows) {
      Json entry = {{"name", row.name}, {"depth", row.depth}};
      if (has_metric(task, "acc")) entry["acc"] = accuracy_json(row.accuracies.acc);
      if (has_metric(task, "acc_norm")) entry["acc_norm"] = accuracy_json(row.accuracies.acc_norm);
      rows.push_back(std::move(entry));
    }
    const bool none = std::holds_alternative<std::monostate>(run.intervention);
    out["runs"].push_back({{"ablate", none ? Json(nullptr) : Json(to_string(run.intervention))},
                           {"percent_off", 100 * run.share_off},
                           {"results", std::move(rows)}});
  }
  fmt::print("{}\n", out.dump(2, ' ', false, Json::error_handler_t::replace));
}

void run(const Eval& eval) {
  for (const std::string& rule : eval.ablate) parse_rule(rule);  // before the model is read
  const std::shared_ptr<const Model> model = eval.engine.open_model();
  const PreparedTask task = eval.task.prepare(*model);
  warn_truncated(task);
  ProgressLine line;
  const std::unique_ptr<Engine> engine = eval.engine.make_engine(model);
  EvaluateOptions options = {false, eval.engine.seed, eval.engine.rows_of_cohort(*engine), progress_on(line),
                             "evaluation"};
  TaskCalibration calibration(*engine, task, options);
  std::vector<Intervention> interventions =
      parse_rules(eval.ablate, [&](const ShareRule& rule) { return calibration.threshold(rule); });
  if (!eval.mask.empty()) interventions.push_back(read_mask(eval.mask));
  if (interventions.empty()) interventions.emplace_back();
  const std::vector<Run> runs = evaluate_rules(*engine, task, interventions, options);
  eval.json ? print_json(eval, task.task, runs) : print_text(task.task, runs);
}

}  // namespace

void add_eval(CLI::App& app) {
  CLI::App* command =
      app.add_subcommand("eval", "accuracy of a model on a task, with heads switched off if asked");
  auto eval = std::make_shared<Eval>();
  eval->engine.add_to(*command);
  eval->task.add_to(*command, true);
  command
      ->add_option("--ablate", eval->ablate,
                   "ahon_ln<0.52, ahon_ln@15% (a share of all heads), or heads as L0H1,L5H3; may be given "
                   "several times")
      ->type_size(1)
      ->expected(1, -1);
  command->add_option("--mask", eval->mask, "JSON file of heads to switch off, as in {\"5\": [0, 3]}");
  command->add_flag("--json", eval->json, "for machines");
  command->callback([eval] { run(*eval); });
}

}  // namespace idleheads::cli
