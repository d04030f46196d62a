#include "report/harness/harness_results.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "idleheads/heads/intervention.h"
#include "report/harness/harness_names.h"
#include "strings/digest.h"

namespace idleheads {
namespace {

// A version as a number where it is one.
OrderedJson version_json(const std::string& version) {
  double value = 0;
  const char* end = version.data() + version.size();
  const auto [rest, error] = std::from_chars(version.data(), end, value);
  if (error != std::errc() || rest != end) return version;
  if (version.find('.') == std::string::npos) return static_cast<int64_t>(value);
  return value;
}

OrderedJson row_json(const HarnessRow& row) {
  OrderedJson out = {{"alias", row.alias}};
  for (const Metric metric : row.task->metrics) {
    const MetricInfo& info = metric_info(metric);
    const MetricValue value = value_of(row.row->values, metric);
    out[fmt::format("{},{}", info.name, info.filter)] = value.value;
    out[fmt::format("{}_stderr,{}", info.name, info.filter)] =
        value.error ? OrderedJson(*value.error) : OrderedJson("N/A");
  }
  return out;
}

OrderedJson higher_is_better(const HarnessTask& task) {
  OrderedJson out = OrderedJson::object();
  for (const Metric metric : task.metrics) {
    const MetricInfo& info = metric_info(metric);
    out[std::string(info.name)] = info.is_share;
  }
  return out;
}

OrderedJson config_json(const HarnessRow& row) {
  const HarnessTask& task = *row.task;
  OrderedJson metrics = OrderedJson::array();
  const OrderedJson directions = higher_is_better(task);
  for (const auto& [name, higher] : directions.items()) {
    metrics.push_back({{"metric", name},
                       {"aggregation", higher ? OrderedJson("mean") : OrderedJson("weighted_perplexity")},
                       {"higher_is_better", higher}});
    if (name == "bits_per_byte") metrics.back()["aggregation"] = name;
  }
  OrderedJson out = {{"task", row.name}};
  if (row.row->name != row.name) out["task_alias"] = row.row->name;
  out["description"] = "";
  out["target_delimiter"] = " ";
  out["fewshot_delimiter"] = "\n\n";
  out["output_type"] = task.output_type;
  out["repeats"] = 1;
  out["should_decontaminate"] = false;
  out["num_fewshot"] = task.shots;
  out["metric_list"] = std::move(metrics);
  if (!task.until.empty()) out["generation_kwargs"] = generation_json(task);
  if (const auto own = task.configs.find(row.row->name); own != task.configs.end())
    out.update(OrderedJson::parse(own->second));
  out["metadata"] = {{"version", version_json(task.version)}};
  return out;
}

int64_t count_of(const std::map<std::string, int64_t, std::less<>>& counts, const std::string& subject) {
  const auto found = counts.find(subject);
  return found == counts.end() ? 0 : found->second;
}

// The members of every group: the task's are its categories, or its subjects where there are none.
OrderedJson subtasks_json(std::span<const HarnessRow> rows) {
  OrderedJson out = OrderedJson::object();
  std::array<std::string, 2> above;  // the running names at depths 0 and 1
  for (const HarnessRow& row : rows) {
    const auto depth = static_cast<size_t>(row.row->depth);
    if (row.is_group || depth == 0) out[row.name] = OrderedJson::array();
    if (depth < above.size()) above[depth] = row.name;
    if (depth > 0) out[above[depth - 1]].push_back(row.name);
  }
  return out;
}

OrderedJson token_json(const std::optional<std::pair<std::string, int64_t>>& token) {
  if (!token) return nullptr;
  return OrderedJson::array({token->first, std::to_string(token->second)});
}

OrderedJson run_config_json(const HarnessRun& run) {
  return {{"model", "idleheads"},
          {"model_args", fmt::format("pretrained={},dtype={}", run.model, run.dtype)},
          {"model_num_parameters", run.parameters},
          {"model_dtype", run.dtype},
          {"model_revision", nullptr},
          {"model_sha", nullptr},
          {"batch_size", nullptr},
          {"batch_sizes", OrderedJson::array()},
          {"device", "cpu"},
          {"use_cache", nullptr},
          {"limit", run.limit ? OrderedJson(*run.limit) : OrderedJson(nullptr)},
          {"bootstrap_iters", 100000},
          {"gen_kwargs", nullptr},
          {"random_seed", 0},
          {"numpy_seed", 1234},
          {"torch_seed", 1234},
          {"fewshot_seed", run.fewshot_seed},
          {"idleheads", run.settings}};
}

// The names that the paper's scripts give the scores.
std::string head_type(const std::string& rule) {
  constexpr auto kNames = std::to_array<std::pair<std::string_view, std::string_view>>({
      {"random", "Random"},
      {"awft", "Dormant"},
      {"awft_ln", "NormalizedDormant"},
      {"aeqd", "Entropy"},
      {"aeqd_ln", "NormalizedEntropy"},
      {"ftvvn", "ValueVectorMagnitudeFirstToken"},
      {"ftvvn_ln", "ValueVectorMagnitudeNormalizedFirstToken"},
      {"avvn", "ValueVectorAvgMagnitude"},
      {"avvn_ln", "ValueVectorAvgNormalizedMagnitude"},
      {"lthon", "HeadOutputMagnitudeLastToken"},
      {"lthon_ln", "HeadOutputMagnitudeNormalizedLastToken"},
      {"lthon_hn", "HeadOutputMagnitudeNormalizedHeadLastToken"},
      {"ahon", "UnnormalizedHONOR"},
      {"ahon_ln", "HONOR"},
      {"afhon", "FullHeadOutput"},
      {"afhon_ln", "FullHeadOutputNormalized"},
  });
  const Intervention intervention = parse_intervention(rule);
  const auto* by_score = std::get_if<ScoreRule>(&intervention);
  if (!by_score) return rule;
  const auto found =
      std::ranges::find(kNames, by_score->score->slug, [](const auto& name) { return name.first; });
  return fmt::format("{}:{}", found == kNames.end() ? by_score->score->slug : found->second,
                     by_score->threshold);
}

void add_ablation(OrderedJson& out, const HarnessAblation& ablation) {
  const HeadFrequency& frequency = ablation.frequency;
  OrderedJson layers = OrderedJson::object();
  for (int l = 0; l < frequency.layers; ++l) {
    const auto heads = static_cast<double>(frequency.shape.count(l));
    double share = 0;
    for (int h = 0; h < frequency.heads; ++h) share += frequency.share({l, h}) / heads;
    if (heads > 0) layers[std::to_string(l)] = share;
  }
  out["zero_dormant"] = !ablation.mean;
  if (ablation.mean) out["ablation"] = "mean";
  out["track_head_type"] = head_type(ablation.rule);
  out["rule"] = ablation.rule;
  out["layers_to_proportion"] = std::move(layers);
  out["model_proportion"] = frequency.mean_share();
  out["layers_to_exclude"] = OrderedJson::array();
  out["num_forward_passes"] = frequency.passes;
  out["num_samples"] = frequency.passes;
}

void add_tasks(OrderedJson& out, std::span<const HarnessRow> rows) {
  out["results"] = OrderedJson::object();
  OrderedJson groups, configs = OrderedJson::object(), versions = configs, shots = configs, better = configs,
                      samples = configs;
  for (const HarnessRow& row : rows) {
    out["results"][row.name] = row_json(row);
    versions[row.name] = version_json(row.version());
    better[row.name] = higher_is_better(*row.task);
    if (row.is_group) {
      groups[row.name] = row_json(row);
      continue;
    }
    configs[row.name] = config_json(row);
    shots[row.name] = row.task->shots;
    samples[row.name] = {{"original", count_of(row.task->documents, row.row->name)},
                         {"effective", count_of(row.task->documents_taken, row.row->name)}};
  }
  if (!groups.is_null()) out["groups"] = std::move(groups);
  out["group_subtasks"] = subtasks_json(rows);
  out["configs"] = std::move(configs);
  out["versions"] = std::move(versions);
  out["n-shot"] = std::move(shots);
  out["higher_is_better"] = std::move(better);
  out["n-samples"] = std::move(samples);
}

void add_run(OrderedJson& out, const HarnessRun& run) {
  const auto hashed = [](const std::optional<std::string>& text) {
    return text ? OrderedJson(sha256(*text)) : OrderedJson(nullptr);
  };
  const std::optional<std::string> system =
      run.system.empty() ? std::nullopt : std::optional<std::string>(run.system);
  out["config"] = run_config_json(run);
  out["git_hash"] = run.commit.empty() ? OrderedJson(nullptr) : OrderedJson(run.commit);
  out["date"] = run.start;
  out["pretty_env_info"] = nullptr;
  out["transformers_version"] = nullptr;
  out["upper_git_hash"] = nullptr;
  out["tokenizer_pad_token"] = nullptr;
  out["tokenizer_eos_token"] = token_json(run.eos);
  out["tokenizer_bos_token"] = token_json(run.bos);
  out["eot_token_id"] = run.eos ? OrderedJson(run.eos->second) : OrderedJson(nullptr);
  out["max_length"] = run.max_length;
  out["model_source"] = "idleheads";
  out["model_name"] = run.model;
  out["model_name_sanitized"] = harness_path_name(run.model);
  out["system_instruction"] = system ? OrderedJson(*system) : OrderedJson(nullptr);
  out["system_instruction_sha"] = hashed(system);
  out["fewshot_as_multiturn"] = run.multiturn;
  out["chat_template"] = run.chat_template ? OrderedJson(*run.chat_template) : OrderedJson(nullptr);
  out["chat_template_sha"] = hashed(run.chat_template);
  out["start_time"] = run.start;
  out["end_time"] = run.end;
  out["total_evaluation_time_seconds"] = fmt::format("{}", run.end - run.start);
}

}  // namespace

std::string harness_name(std::string_view task, std::string_view subject) {
  if (subject == task) return std::string(task);
  std::string name = fmt::format("{}_{}", task, subject);
  std::ranges::replace(name, ' ', '_');
  return name;
}

std::vector<HarnessRow> harness_rows(std::span<const HarnessTask> tasks) {
  std::vector<HarnessRow> rows;
  for (const HarnessTask& task : tasks) {
    for (const SubjectRow& row : task.rows) {
      HarnessRow named = {&task, &row, harness_name(task.name, row.name), row.name, false};
      if (row.depth > 0) named.alias = std::string(static_cast<size_t>(row.depth), ' ') + "- " + row.name;
      named.is_group = task.rows.size() > 1 && !row.is_subject;
      rows.push_back(std::move(named));
    }
  }
  return rows;
}

OrderedJson generation_json(const HarnessTask& task) {
  return {{"until", task.until}, {"do_sample", false}, {"temperature", 0.0}};
}

std::string harness_path_name(std::string_view text) {
  constexpr std::string_view kReplaced = "\"<>:/|\\?*[]";
  std::string out;
  bool replacing = false;
  for (const char c : text) {
    const bool bad = kReplaced.find(c) != std::string_view::npos || static_cast<unsigned char>(c) < 32;
    if (!bad) out += c;
    if (bad && !replacing) out += "__";
    replacing = bad;
  }
  if (out.find_first_not_of('.') == std::string::npos) out = "__" + out;  // no way up
  return out;
}

std::string harness_results_json(const HarnessRun& run, std::span<const HarnessTask> tasks,
                                 const std::optional<HarnessAblation>& ablation,
                                 const std::map<std::string, std::string>& hashes) {
  OrderedJson out;
  const std::vector<HarnessRow> rows = harness_rows(tasks);
  add_tasks(out, rows);
  add_run(out, run);
  out["task_hashes"] = OrderedJson(hashes);
  if (ablation) add_ablation(out, *ablation);
  return dump_json(out, 2) + "\n";
}

}  // namespace idleheads
