#include "idleheads/evaluation/evaluation.h"

#include <algorithm>
#include <chrono>

#include "base/fail.h"
#include "base/portable_name.h"
#include "evaluation/harness_output.h"
#include "evaluation/task_runs.h"
#include "idleheads/version.h"
#include "model/checkpoint.h"
#include "prune/mask_file.h"

namespace idleheads {
namespace {

double unix_time() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

std::optional<std::pair<std::string, int64_t>> token_of(const Tokenizer& tokenizer,
                                                        std::optional<TokenId> id) {
  if (!id) return std::nullopt;
  return std::pair{tokenizer.token(*id).value_or(""), int64_t{*id}};
}

HarnessRun describe_run(const EvaluationSettings& settings, const Model& model,
                        const std::vector<PreparedTask>& tasks) {
  const EngineSettings& engine = settings.engine;
  const TaskSettings& task = settings.task;
  const std::optional<ChatDescription> chat = task.chat_description(model);
  HarnessRun run;
  run.model = portable_name(model.name());
  run.commit = commit();
  run.parameters = model.checkpoint().parameters();
  run.dtype = engine.precision() == Precision::bf16 ? "bf16" : "f32";
  run.limit = task.limit;
  run.max_length = model.spec().context;
  if (chat) run.chat_template = chat->source;
  run.multiturn = chat && chat->multiturn;
  run.system = task.system;
  run.bos = token_of(model.tokenizer(), model.tokenizer().bos());
  run.eos = token_of(model.tokenizer(), model.tokenizer().eos());
  for (const auto& [name, value] : describe({&model, &tasks.front(), task.limit_text(), task.bos, chat,
                                             task.system, engine.precision(), engine.seed})) {
    const bool of_one_task =
        name.starts_with("task.") || name.starts_with("generation.") || name == "info.metric";
    if (tasks.size() == 1 || !of_one_task) run.settings[name] = value;
  }
  return run;
}

}  // namespace

Evaluation::Evaluation(EvaluationSettings settings, std::shared_ptr<const Model> model)
    : settings_(std::move(settings)), model_(std::move(model)) {
  for (const std::string& rule : settings_.rules) parse_rule(rule);
  if (!settings_.mask.empty()) {
    const MaskFile mask = read_mask_file(settings_.mask);
    mask_ = mask.heads;
    means_ = means_of_mask(mask, *model_, settings_.mask);
  }
  tasks_ = settings_.task.prepare(*model_);
}

Evaluation::~Evaluation() = default;

void Evaluation::run(Engine& engine, const ProgressCallback& progress) {
  start_ = unix_time();
  CohortSize size = CohortSize::of_any_time(settings_.engine.rows_of_cohort(engine));
  EvaluateOptions options = {.seed = settings_.engine.seed, .progress = progress};
  options.size = &size;
  std::vector<RuleRun> runs;
  for (const PreparedTask& task : tasks_) {
    options.phase = task.task.name;
    std::vector<Intervention> zeros = interventions_for(engine, task, settings_.rules, options);
    if (mask_ && !means_) zeros.push_back(*mask_);
    const bool is_there = std::ranges::count(zeros, Intervention()) > 0;
    if (!is_there && (settings_.baseline || (zeros.empty() && !mask_))) zeros.emplace(zeros.begin());
    if (!zeros.empty()) evaluate_task(engine, task, zeros, options, runs);
    if (!means_) continue;
    const std::vector<Intervention> means = {*mask_};
    EvaluateOptions with_means = options;
    with_means.means = &*means_;
    evaluate_task(engine, task, means, with_means, runs);
  }
  add_differences(runs, settings_.engine.seed);
  runs_ = std::move(runs);
  end_ = unix_time();
}

std::string Evaluation::text(int width) const {
  return eval_text(describe_run(settings_, *model_, tasks_), runs_, width);
}

std::string Evaluation::json() const { return eval_json(portable_name(model_->name()), runs_); }

std::vector<std::string> Evaluation::write(const std::string& folder, bool samples) const {
  HarnessRun described = describe_run(settings_, *model_, tasks_);
  described.start = start_;
  described.end = end_;
  return write_eval(folder, described, runs_, samples);
}

}  // namespace idleheads
