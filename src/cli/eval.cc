// idleheads eval MODEL --task T [--ablate RULE | --mask heads.json]: metrics of tasks, with heads switched
// off if asked.
#include <optional>

#include "base/fail.h"
#include "cli/command_tree.h"
#include "cli/commands.h"
#include "cli/mask_option.h"
#include "cli/options.h"
#include "cli/task_options.h"
#include "cli/terminal.h"
#include "idleheads/evaluation/evaluation.h"
#include "report/exports/output_file.h"

namespace idleheads::cli {
namespace {

struct Eval {
  EngineFlags engine;
  TaskFlags task;
  std::vector<std::string> ablate;
  std::string mask;
  std::string output;
  bool log_samples = true, baseline = true;
  bool json = false;
  ProgressForm progress = ProgressForm::line;
};

void evaluate_or_stop(Evaluation& evaluation, Engine& engine, ProgressForm progress) try {
  ProgressLine line(progress);
  evaluation.run(engine, progress_on(line));
} catch (const Interrupted&) {
  throw Interrupted("stopped; nothing was kept (a study keeps what is finished, and goes on from there)");
}

void run(const Eval& eval) {
  for (const std::string& rule : eval.ablate) parse_rule(rule);  // before the model is read
  const std::shared_ptr<const Model> model = eval.engine.open_model();
  print_tokenizer_note(*model);
  Evaluation evaluation({eval.engine, eval.task, eval.ablate, eval.mask, eval.baseline}, model);
  for (const PreparedTask& task : evaluation.tasks()) warn_truncated(task);
  std::optional<OutputFolder> folder;
  if (!eval.output.empty()) folder.emplace(eval.output);  // to fail before the work, not after it
  evaluate_or_stop(evaluation, *eval.engine.make_engine(model), eval.progress);
  print_foreign(eval.json ? evaluation.json() : evaluation.text(terminal_width()));
  if (eval.output.empty()) return;
  for (const std::string& path : evaluation.write(eval.output, eval.log_samples))
    say("wrote {}\n", printable(path, 300));
}

}  // namespace

void add_eval(CLI::App& app) {
  CLI::App* command =
      app.add_subcommand("eval", "metrics of a model on tasks, with heads switched off if asked");
  auto eval = std::make_shared<Eval>();
  begin_group(*command, "Heads to switch off");
  command
      ->add_option("--ablate", eval->ablate,
                   "ahon_ln<0.52, ahon_ln@15% (a share of all heads), or heads as L0H1,L5H3; may be given "
                   "several times")
      ->type_name("RULE")
      ->allow_extra_args(false);
  command->add_option("--mask", eval->mask, kMaskHelp)->type_name("FILE");
  command->add_flag("--baseline,!--no-baseline", eval->baseline,
                    "also run with all heads on, and say what differs (the default)");
  eval->task.add_to(*command, true);
  begin_group(*command, "Output");
  command
      ->add_option("--output,--output-path,-o", eval->output,
                   "folder for results_*.json and samples_*.jsonl as lm-evaluation-harness writes them")
      ->type_name("FOLDER");
  command->add_flag("--log-samples,!--no-log-samples", eval->log_samples,
                    "with --output: write every document with what came out (the default)");
  command->add_flag("--json", eval->json, "for machines");
  add_progress(*command, eval->progress);
  eval->engine.add_to(*command);
  add_guide(*command,
            {"idleheads eval model.gguf --task piqa --data piqa/",
             "idleheads eval model.gguf --task mine.jsonl --ablate ahon_ln@15%",
             "idleheads eval model.gguf --task wikitext,mine.txt --mask mask.json -o out/"},
            "docs/tasks.md and docs/scores.md");
  command->callback([eval] { run(*eval); });
}

}  // namespace idleheads::cli
