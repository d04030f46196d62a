// idleheads eval MODEL --task T [--ablate RULE | --mask heads.json]: metrics of tasks, with heads switched
// off if asked.
#include <fmt/format.h>

#include <chrono>
#include <optional>

#include "base/error.h"
#include "base/portable_name.h"
#include "base/version.h"
#include "cli/commands.h"
#include "cli/eval_output.h"
#include "cli/mask_option.h"
#include "cli/options.h"
#include "cli/rules.h"
#include "cli/task_options.h"
#include "cli/terminal.h"
#include "report/output_file.h"

namespace idleheads::cli {
namespace {

struct Eval {
  EngineFlags engine;
  TaskFlags task;
  std::vector<std::string> ablate;
  std::string mask;
  std::string output;
  bool log_samples = true;
  bool json = false;
};

double unix_time() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

std::optional<std::pair<std::string, int64_t>> token_of(const Tokenizer& tokenizer,
                                                        std::optional<TokenId> id) {
  if (!id) return std::nullopt;
  return std::pair{tokenizer.token(*id).value_or(""), int64_t{*id}};
}

HarnessRun describe_run(const Eval& eval, const Model& model, const std::vector<PreparedTask>& tasks) {
  const std::optional<ChatDescription> chat = eval.task.chat_description(model);
  HarnessRun run;
  run.model = portable_name(model.name());
  run.commit = commit();
  run.parameters = model.checkpoint().parameters();
  run.dtype = eval.engine.precision() == Precision::bf16 ? "bf16" : "f32";
  run.limit = eval.task.limit;
  run.max_length = model.spec().context;
  if (chat) run.chat_template = chat->source;
  run.multiturn = chat && chat->multiturn;
  run.system = eval.task.system;
  run.bos = token_of(model.tokenizer(), model.tokenizer().bos());
  run.eos = token_of(model.tokenizer(), model.tokenizer().eos());
  for (const auto& [name, value] :
       describe({&model, &tasks.front(), eval.task.limit_text(), eval.task.bos, chat, eval.task.system,
                 eval.engine.precision(), eval.engine.seed})) {
    const bool of_one_task =
        name.starts_with("task.") || name.starts_with("generation.") || name == "info.metric";
    if (tasks.size() == 1 || !of_one_task) run.settings[name] = value;
  }
  return run;
}

std::vector<RuleRun> evaluate_all(const Eval& eval, std::shared_ptr<const Model> model,
                                  const std::vector<PreparedTask>& tasks) {
  ProgressLine line;
  const std::unique_ptr<Engine> engine = eval.engine.make_engine(std::move(model));
  CohortSize size = CohortSize::of_any_time(eval.engine.rows_of_cohort(*engine));
  EvaluateOptions options = {.seed = eval.engine.seed, .progress = progress_on(line)};
  options.size = &size;
  const std::optional<MaskFile> mask =
      eval.mask.empty() ? std::nullopt : std::optional(read_mask_file(eval.mask));
  const std::optional<HeadMeans> means =
      mask ? means_of_mask(*mask, engine->model(), eval.mask) : std::nullopt;
  std::vector<RuleRun> runs;
  for (const PreparedTask& task : tasks) {
    options.phase = task.task.name;
    std::vector<Intervention> interventions = interventions_for(*engine, task, eval.ablate, options);
    if (mask && !means) interventions.push_back(mask->heads);
    if (interventions.empty() && !means) interventions.emplace_back();
    if (!interventions.empty()) evaluate_task(*engine, task, interventions, options, runs);
    if (!means) continue;
    const std::vector<Intervention> by_means = {mask->heads};
    EvaluateOptions with_means = options;
    with_means.means = &*means;
    evaluate_task(*engine, task, by_means, with_means, runs);
  }
  return runs;
}

std::vector<RuleRun> evaluate_or_stop(const Eval& eval, const std::shared_ptr<const Model>& model,
                                      const std::vector<PreparedTask>& tasks) try {
  return evaluate_all(eval, model, tasks);
} catch (const Interrupted&) {
  throw Interrupted("stopped; nothing was kept (a study keeps what is finished, and goes on from there)");
}

void run(const Eval& eval) {
  for (const std::string& rule : eval.ablate) parse_rule(rule);  // before the model is read
  const std::shared_ptr<const Model> model = eval.engine.open_model();
  const std::vector<PreparedTask> tasks = eval.task.prepare(*model);
  for (const PreparedTask& task : tasks) warn_truncated(task);
  HarnessRun described = describe_run(eval, *model, tasks);
  std::optional<OutputFolder> folder;
  if (!eval.output.empty()) folder.emplace(eval.output);  // to fail before the work, not after it
  described.start = unix_time();
  const std::vector<RuleRun> runs = evaluate_or_stop(eval, model, tasks);
  described.end = unix_time();
  print_foreign(eval.json ? eval_json(described.model, runs) : eval_text(described, runs));
  if (eval.output.empty()) return;
  for (const std::string& path : write_eval(eval.output, described, runs, eval.log_samples))
    say("wrote {}\n", printable(path, 300));
}

}  // namespace

void add_eval(CLI::App& app) {
  CLI::App* command =
      app.add_subcommand("eval", "metrics of a model on tasks, with heads switched off if asked");
  auto eval = std::make_shared<Eval>();
  eval->engine.add_to(*command);
  eval->task.add_to(*command, true);
  command
      ->add_option("--ablate", eval->ablate,
                   "ahon_ln<0.52, ahon_ln@15% (a share of all heads), or heads as L0H1,L5H3; may be given "
                   "several times")
      ->type_size(1)
      ->expected(1, -1);
  command->add_option("--mask", eval->mask, kMaskHelp);
  command->add_option("--output,--output-path,-o", eval->output,
                      "folder for results_*.json and samples_*.jsonl as lm-evaluation-harness writes them");
  command->add_flag("--log-samples,!--no-log-samples", eval->log_samples,
                    "with --output: write every document with what came out (the default)");
  command->add_flag("--json", eval->json, "for machines");
  command->callback([eval] { run(*eval); });
}

}  // namespace idleheads::cli
