#include "idleheads/study/describe.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <charconv>
#include <system_error>

#include "base/hash.h"
#include "base/portable_name.h"
#include "engine/head_grid.h"
#include "format/json.h"
#include "idleheads/version.h"
#include "model/checkpoint.h"

namespace idleheads {
namespace {

std::string metric_names(const Task& task) {
  std::vector<std::string> names;
  for (const Metric metric : task.metrics) names.push_back(metric_name(metric));
  return fmt::format("{}", fmt::join(names, ";"));
}

std::string hash_of(std::string_view text) {
  Hasher hasher;
  hasher.add(text);
  return hasher.hex();
}

// Without model.kv_heads nothing is said of key/value heads.
void describe_heads(const ModelSpec& model, Settings& settings) {
  if (const std::optional<int> kv_heads = model.kv_heads())
    settings["model.kv_heads"] = std::to_string(*kv_heads);
  const std::vector<HeadId> absent = head_shape(model).absent();
  std::vector<std::string> names;
  for (const HeadId id : absent) names.push_back(to_string(id));
  if (!names.empty()) settings[kAbsentHeadsSetting] = fmt::format("{}", fmt::join(names, ","));
}

void describe_generation(const PreparedTask& task, Settings& settings) {
  settings["generation.max_new_tokens"] = std::to_string(task.task.generation.max_new_tokens);
  settings["generation.until"] = dump_json(Json(task.task.generation.until));
  settings["generation.end_tokens"] = fmt::format("{}", fmt::join(task.generation->end_tokens, ","));
  settings["generation.repetition_penalty"] = fmt::format("{}", task.generation->repetition_penalty);
}

}  // namespace

Settings describe(const StudyDescription& d) {
  const ModelSpec& model = d.model->spec();
  const Task& task = d.task->task;
  const std::string metrics = metric_names(task);
  Settings settings = {{"model.fingerprint", d.model->checkpoint().fingerprint()},
                       {"model.family", model.family},
                       {"model.layers", std::to_string(model.layer_count())},
                       {"model.heads", std::to_string(model.heads())},
                       {"model.context", std::to_string(model.context)},
                       {"task.name", task.name},
                       {"task.version", task.version},
                       {"task.shots", std::to_string(task.shots)},
                       {"task.limit", task.limit_is_of_all ? d.limit + " in all" : d.limit},
                       {"task.fingerprint", task.fingerprint},
                       {"task.output", task.metrics.empty() ? "none" : std::string(output_name(task.output))},
                       {"task.metrics", metrics},
                       {"chat", d.chat ? hash_of(d.chat->source) : "none"},
                       {"system", d.system},
                       {"bos", d.bos},
                       {"dtype", d.precision == Precision::bf16 ? "bf16" : "f32"},
                       {"seed", std::to_string(d.seed)},
                       {"engine", engine_description(d.precision, d.device)},
                       {"info.head_dim", std::to_string(model.layers.front().attention.head_dim)},
                       {"info.hidden", std::to_string(model.hidden)},
                       {"info.parameters", std::to_string(d.model->checkpoint().parameters())},
                       {"info.active_parameters", std::to_string(model.active_parameters())},
                       {"info.model", portable_name(d.model->name())},
                       {kBuildsSetting, build_description()},
                       {"info.metric", metrics.substr(0, metrics.find(';'))}};
  describe_heads(model, settings);
  if (d.mean) settings[kAblationSetting] = "mean";
  if (d.chat) {
    settings["chat.multiturn"] = d.chat->multiturn ? "yes" : "no";
    settings["chat.date"] = d.chat->date;
  }
  if (d.task->generation) describe_generation(*d.task, settings);
  if (d.shard) {
    settings[kShardSetting] = to_string(*d.shard);
    settings[kScoresSetting] = scores_text(d.targets);
    settings[kSharesSetting] = shares_text(d.targets);
  }
  return settings;
}

}  // namespace idleheads
