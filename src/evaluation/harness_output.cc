#include "evaluation/harness_output.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <cmath>

#include "base/fail.h"
#include "base/hash.h"
#include "format/json.h"
#include "idleheads/base/error.h"
#include "report/exports/output_file.h"
#include "report/terminal/show_text.h"
#include "report/terminal/table.h"
#include "report/terminal/text.h"

namespace idleheads {
namespace {

namespace fs = std::filesystem;

constexpr size_t kMostNameBytes = 120;  // of a folder named for a rule

// The harness numbers the groups of mmlu apart from its subjects.
std::string group_version(const Task& task) { return task.name == "mmlu" ? "2" : task.version; }

// What was run, as the harness has it above its table.
std::string run_text(const HarnessRun& run, int width) {
  const std::string text =
      fmt::format("idleheads (pretrained={},dtype={}), limit: {}, chat: {}, bos: {}", run.model, run.dtype,
                  run.limit ? fmt::format("{}", *run.limit) : "None", run.chat_template ? "yes" : "no",
                  run.settings.at("bos"));
  return wrap(text, width);
}

std::string heading(const RuleRun& run) {
  if (run.is_baseline()) return "";
  return fmt::format("ablate {}: {:.2f}% of the heads off on average\n", run.short_name(),
                     100 * run.frequency().mean_share());
}

// The local time as the harness has it in the names of files.
std::string time_name(double unix_time) {
  const auto seconds = static_cast<std::time_t>(std::floor(unix_time));
  const auto microseconds = static_cast<int64_t>((unix_time - std::floor(unix_time)) * 1e6);
  return fmt::format("{:%Y-%m-%dT%H-%M-%S}.{:06}", fmt::localtime(seconds), microseconds);
}

// A rule as a folder's name; one of very many heads is cut and told apart by its hash.
std::string folder_of(const RuleRun& run) {
  const std::string rule = run.name();
  std::string name = harness_path_name(rule);
  if (name.size() > kMostNameBytes)
    name = fmt::format("{}-{:016x}", name.substr(0, kMostNameBytes), hash64(rule));
  return name;
}

HarnessSample sample_of(const TaskRun& run, const StoredResult& result) {
  const Document& document = run.task->task.documents[static_cast<size_t>(result.document)];
  HarnessSample sample;
  sample.number = document.index;
  sample.row = document.row;
  sample.target = document.target;
  for (size_t j = 0; j < document.continuations.size(); ++j) {
    const size_t context = document.contexts.size() > 1 ? j : 0;
    sample.requests.push_back({document.contexts[context], document.continuations[j]});
  }
  if (sample.requests.empty()) sample.requests.push_back({document.contexts[0], std::nullopt});
  sample.document = &run.task->stored[static_cast<size_t>(result.document)];
  sample.result = &result;
  return sample;
}

// One file a subject. Returns the samples' hashes by name.
std::map<std::string, std::string> write_samples(const fs::path& folder, const std::string& time,
                                                 const TaskRun& run, const HarnessTask& task) {
  std::map<std::string, std::string> hashes;
  for (const Group& group : run.task->task.groups) {
    const std::string name = harness_name(task.name, group.name);
    HarnessSampleFile file(task, folder / fmt::format("samples_{}_{}.jsonl", harness_path_name(name), time));
    for (const std::string& filter : harness_filters(task)) {
      for (const StoredResult& result : run.results) {
        if (run.task->stored[static_cast<size_t>(result.document)].group == group.name)
          file.add(sample_of(run, result), filter);
      }
    }
    hashes[name] = file.finish();
  }
  return hashes;
}

Json value_json(const MetricValue& value) {
  return {
      {"value", value.value}, {"stderr", value.error ? Json(*value.error) : Json(nullptr)}, {"n", value.n}};
}

std::string difference_text(Metric metric, double points) {
  return fmt::format("{:+.2f}{}", points, metric_info(metric).is_share ? "" : " %");
}

// A line an intervention and task.
std::string differences_text(const std::vector<RuleRun>& runs, int width) {
  Table table({{"heads off", Align::left},
               {"task", Align::left},
               {"metric", Align::left},
               {"all on"},
               {"difference"},
               {"from"},
               {"to"},
               {"changed"},
               {"KL"}});
  bool any = false;
  for (const RuleRun& rule : runs) {
    for (const TaskRun& run : rule.tasks) {
      if (!run.difference) continue;
      any = true;
      const RunDifference& d = *run.difference;
      const bool share = metric_info(d.metric).is_share;
      // Losses of perplexities are rises.
      const double sign = share ? 1 : -1;
      table.add_row({printable(rule.short_name()), printable(run.task->task.name), metric_name(d.metric),
                     plain_value_text(d.metric, d.baseline.value), difference_text(d.metric, sign * d.points),
                     difference_text(d.metric, share ? d.low : -d.high),
                     difference_text(d.metric, share ? d.high : -d.low),
                     share ? fmt::format("{} of {}", d.changed, d.baseline.n) : "-",
                     d.kl ? fmt::format("{:.3g}", *d.kl) : "-"});
    }
  }
  if (!any) return "";
  return "\nAgainst all heads on:\n\n" + table.within(width, false) + "\n" +
         wrap(
             "difference: points of the metric (of a perplexity 100 times the logarithm of the ratio, which "
             "is "
             "percent where it is small), with its 95 % interval, a paired bootstrap over the documents; "
             "changed: answers that are others; KL: mean divergence of the distributions over the choices, "
             "in "
             "nats.",
             width);
}

Json difference_json(const RunDifference& d) {
  const bool share = metric_info(d.metric).is_share;
  return {{"metric", metric_name(d.metric)},
          {"baseline", value_json(d.baseline)},
          {"difference", d.points},
          {"difference_interval", {d.low, d.high}},
          {"changed", share ? Json(d.changed) : Json(nullptr)},
          {"lost", share ? Json(d.lost) : Json(nullptr)},
          {"won", share ? Json(d.won) : Json(nullptr)},
          {"kl", d.kl ? Json(*d.kl) : Json(nullptr)}};
}

Json run_json(const RuleRun& rule, const TaskRun& run) {
  const Task& task = run.task->task;
  Json rows = Json::array();
  for (const SubjectRow& row : run.rows) {
    Json entry = {{"name", row.name}, {"depth", row.depth}};
    for (const Metric metric : task.metrics)
      entry[metric_name(metric)] = value_json(value_of(row.values, metric));
    rows.push_back(std::move(entry));
  }
  return {{"task", task.name},
          {"shots", task.shots},
          {"ablate", rule.is_baseline() ? Json(nullptr) : Json(to_string(rule.intervention))},
          {"ablation", rule.is_baseline() ? Json(nullptr) : Json(rule.mean ? "mean" : "zero")},
          {"percent_off", 100 * run.frequency.mean_share()},
          {"against_baseline", run.difference ? difference_json(*run.difference) : Json(nullptr)},
          {"results", std::move(rows)}};
}

}  // namespace

std::vector<HarnessTask> harness_tasks(const RuleRun& run) {
  std::vector<HarnessTask> tasks;
  for (const TaskRun& of_task : run.tasks) {
    const Task& task = of_task.task->task;
    HarnessTask& out = tasks.emplace_back();
    out.name = task.name;
    out.version = task.version;
    out.group_version = group_version(task);
    out.output_type = output_name(task.output);
    out.shots = task.shots;
    out.metrics = task.metrics;
    out.rows = of_task.rows;
    for (const Group& group : task.groups) out.documents[group.name] = group.documents;
    out.configs.insert(task.harness_configs.begin(), task.harness_configs.end());
    for (const Document& document : task.documents) ++out.documents_taken[document.group];
    if (task.output == OutputType::generate_until) out.until = task.generation.until;
  }
  return tasks;
}

std::string eval_text(const HarnessRun& described, const std::vector<RuleRun>& runs, int width) {
  std::string out = run_text(described, width);
  for (const RuleRun& run : runs)
    out += (&run == &runs.front() ? "" : "\n") + heading(run) + harness_tables(harness_tasks(run));
  return out + differences_text(runs, width);
}

std::string eval_json(const std::string& model, const std::vector<RuleRun>& runs) {
  Json out = {{"model", model}, {"runs", Json::array()}};
  for (const RuleRun& rule : runs) {
    for (const TaskRun& run : rule.tasks) out["runs"].push_back(run_json(rule, run));
  }
  return dump_json(out, 2) + "\n";
}

std::vector<std::string> write_eval(const std::string& folder, const HarnessRun& described,
                                    const std::vector<RuleRun>& runs, bool samples) {
  std::vector<std::string> written;
  const std::string time = time_name(described.end);
  for (const RuleRun& run : runs) {
    fs::path below = fs::path(folder) / harness_path_name(described.model);
    if (!run.is_baseline()) below /= folder_of(run);
    const OutputFolder made(below);
    const std::vector<HarnessTask> tasks = harness_tasks(run);
    std::map<std::string, std::string> hashes;
    for (size_t t = 0; samples && t < tasks.size(); ++t)
      hashes.merge(write_samples(below, time, run.tasks[t], tasks[t]));
    std::optional<HarnessAblation> ablation;
    if (!run.is_baseline())
      ablation = HarnessAblation{to_string(run.intervention), run.frequency(), run.mean};
    const fs::path path = below / fmt::format("results_{}.json", time);
    OutputFile file(path);
    file.write(harness_results_json(described, tasks, ablation, hashes));
    file.commit();
    written.push_back(path.string());
  }
  return written;
}

}  // namespace idleheads
