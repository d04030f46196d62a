// idleheads study and idleheads score: everything about one model on one task into one file.
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <optional>

#include "base/duration.h"
#include "base/fail.h"
#include "base/memory.h"
#include "base/words.h"
#include "cli/command_tree.h"
#include "cli/commands.h"
#include "cli/decide_options.h"
#include "cli/options.h"
#include "cli/process.h"
#include "cli/task_options.h"
#include "cli/terminal.h"
#include "cli/text_options.h"
#include "cli/values.h"
#include "idleheads/evaluation/task_study.h"
#include "idleheads/report/show.h"
#include "report/exports/output_file.h"

namespace idleheads::cli {
namespace {

struct Study {
  EngineFlags engine;
  TaskFlags task;
  TextFlags text;  // score only
  std::string output;
  std::string scores = "all";
  std::string shares = "0:30:5";
  std::string shard, plan;  // of a study in parts
  bool baseline_only = false;
  bool quiet = false, static_masks = false, mean = false, no_excerpts = false;
  double store_every = CohortSize::kSeconds;
  ProgressForm progress = ProgressForm::line;
  DecideFlags decide;
};

// "a baseline and 14 interventions"
std::string round_text(const StudyBegin& begin) {
  const std::string interventions =
      fmt::format("{} intervention{}", begin.interventions, begin.interventions == 1 ? "" : "s");
  if (!begin.with_baseline) return interventions;
  return begin.interventions == 0 ? "a baseline" : "a baseline and " + interventions;
}

// What there is to do, before it begins.
void say_plan(const Study& study, const PreparedTask& task, const StudyBegin& begin,
              const std::string& output) {
  const int64_t documents = begin.documents ? begin.documents->size() : std::ssize(task.documents);
  say("{}: {}{} documents, {}{} passes of the model ({}){}; results go to {}\n",
      printable(study.engine.model, 300), begin.documents ? fmt::format("part {}: ", study.shard) : "",
      documents, study.decide.decide ? "at most " : "", begin.passes.total, round_text(begin),
      begin.passes.stored == 0 ? "" : fmt::format(", {} of them stored already", begin.passes.stored),
      printable(output, 300));
}

// What it takes, behind its first cohort.
void say_estimate(const Study& study, const StudyEstimate& estimate) {
  constexpr double kLong = 600;
  const bool is_study = !study.baseline_only && study.shard.empty();
  say("{}{} {}, and about {} MiB; ", isatty(fileno(stderr)) ? "\n" : "",
      is_study ? "this takes at most about" : "this takes about", duration(estimate.seconds),
      estimate.memory >> 20);
  if (estimate.longest_document > study.store_every) {
    say("a document takes up to {}: what of it leaves the last layer is stored\n",
        duration(estimate.longest_document));
  } else if (estimate.seconds > study.store_every) {
    say("results are stored about every {}\n", duration(study.store_every));
  } else {
    say("a kill loses no more than that\n");
  }
  if (estimate.seconds < kLong) return;
  say("less with --limit{}{}\n", is_study ? ", fewer --scores or --shares" : "",
      study.engine.device_choice().is_cpu() && study.engine.precision() == Precision::f32 && has_bf16()
          ? ", --dtype bf16"
          : "");
}

// Whether --stop-after has passed.
class Deadline {
 public:
  explicit Deadline(std::optional<double> seconds) : seconds_(seconds) {}
  bool has_passed() const { return seconds_ && elapsed() > *seconds_; }
  double elapsed() const {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
  }

 private:
  std::optional<double> seconds_;
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

void say_end(const StudyEnd& end) {
  const std::string times =
      fmt::format("{:.1f}", static_cast<double>(end.work.rows_unshared) /
                                static_cast<double>(std::max<int64_t>(1, end.work.rows)));
  say("{}done in {:.1f} s; {}peak memory {:.0f} MiB\n", isatty(fileno(stderr)) ? "\n" : "", end.seconds,
      times == "1.0" ? "" : times + " times fewer rows than without sharing; ",
      static_cast<double>(peak_resident_bytes()) / (1 << 20));
}

void print_study(const StudyStore& store) {
  ShowOptions options;
  options.color = color_depth();
  options.width = terminal_width();
  fmt::print("{}", show(summarize(store), options));
}

// "--task mine.jsonl --data DIR": how this task was asked for among several.
std::string asked_for(const TaskFlags& flags, const Task& task) {
  std::string names;
  for (const std::string& given : flags.tasks) {
    const std::filesystem::path name = parse_task_name(given).task;
    if (name == task.name || name.stem() == task.name) names += (names.empty() ? "" : ",") + given;
  }
  return "--task " + shell_word(names) + (flags.data.empty() ? "" : " --data " + shell_word(flags.data));
}

// What can be done with the file now: the end of the summary.
void print_next(const Study& study, const PreparedTask& task, const std::string& output) {
  const std::string file = shell_word(output), model = shell_word(study.engine.model);
  std::string text = fmt::format("\nNext:\n  idleheads show {} {}\n  idleheads report {}\n", file,
                                 study.baseline_only ? "--heatmap ahon_ln" : "--heads", file);
  if (!study.task.tasks.empty()) {
    const std::string asked = asked_for(study.task, task.task);
    text += study.baseline_only ? fmt::format("  idleheads study {} {} -o {}\n", model, asked, file)
                                : fmt::format("  idleheads mask {} {} {} -o mask.json\n", file, model, asked);
  }
  print_foreign(text);
  std::fflush(stdout);  // the next task may take long
}

// What is said meanwhile; `line` draws the progress.
StudyEvents events_of(const Study& study, const PreparedTask& task, const std::string& output,
                      const Deadline& deadline, ProgressLine& line) {
  StudyEvents events;
  events.progress = [&deadline, on_line = progress_on(line)](const Progress& progress) {
    return on_line(progress) && !deadline.has_passed();
  };
  events.on_note = [](const std::string& note) { say("{}\n", note); };
  events.on_decided = [&](const StoredIntervention& intervention, const LossDecision& decision) {
    line.print(decision_line(intervention, decision), decision_json(intervention, decision));
  };
  if (study.quiet) return events;
  events.on_begin = [&](const StudyBegin& begin) { say_plan(study, task, begin, output); };
  events.on_estimate = [&](const StudyEstimate& estimate) { say_estimate(study, estimate); };
  events.on_end = say_end;
  return events;
}

// The study of one task, into one file. A study that was stopped says what is known so far; false if that was
// --stop-after.
bool run_task(const Study& study, const StudySettings& settings, const std::shared_ptr<const Model>& model,
              const PreparedTask& task, const std::string& output, const Deadline& deadline) {
  warn_truncated(task);
  TaskStudy run(settings, model, task, output);
  std::unique_ptr<Engine> engine;  // made if there is something to compute
  const auto make = [&]() -> Engine& {
    if (!engine) engine = study.engine.make_engine(model);
    return *engine;
  };
  try {
    // Who asks for JSON reads it by program, and --quiet leaves it alone on stderr.
    const bool is_silent = study.quiet && study.progress == ProgressForm::line;
    ProgressLine line(is_silent ? ProgressForm::none : study.progress);
    run.run(make, events_of(study, task, output, deadline, line));
  } catch (const Interrupted& error) {
    if (!study.quiet && study.shard.empty()) print_study(run.store());
    if (!deadline.has_passed()) throw;
    say("after {}: {}\n", duration(deadline.elapsed()), error.what());
    return false;
  }
  if (study.quiet) return true;
  if (study.shard.empty()) {
    print_study(run.store());
    print_next(study, task, output);
  } else {
    fmt::print("part {} is done: {}; idleheads merge joins the parts when all are\n", study.shard,
               printable(output, 300));
  }
  return true;
}

// The file of each task.
std::vector<std::string> outputs_of(const Study& study) {
  if (study.text.are_given()) {
    const std::string name = study.text.name();
    if (!study.shard.empty())
      return {study_file_of_part(study.engine.model, name, study.output, parse_shard(study.shard))};
    return {study.output.empty() ? default_study_file(study.engine.model, name) : study.output};
  }
  const std::vector<WantedTask> wanted = study.task.wanted();
  if (!study.shard.empty()) {
    if (wanted.size() != 1) fail_usage("--shard: one task at a time");
    return {study_file_of_part(study.engine.model, wanted.front().label(), study.output,
                               parse_shard(study.shard))};
  }
  if (wanted.size() == 1 && !study.output.empty()) return {study.output};
  if (study.output.ends_with(".db"))
    fail_usage("--output {}: several tasks have a file each; name a folder", printable(study.output, 300));
  std::vector<std::string> outputs;
  for (const WantedTask& task : wanted)
    outputs.push_back(std::filesystem::path(study.output) /
                      default_study_file(study.engine.model, task.label()));
  return outputs;
}

StudySettings settings_of(const Study& study) {
  StudySettings settings = {study.engine, study.task};
  if (!study.baseline_only && study.plan.empty())
    settings.targets = {parse_scores(study.scores), parse_shares(study.shares)};
  settings.decide = study.decide.options(!study.shard.empty());
  settings.static_masks = study.static_masks;
  settings.mean = study.mean;
  settings.excerpts = !study.no_excerpts;
  settings.store_every = study.store_every;
  settings.command = command_line();
  if (!study.plan.empty() && study.shard.empty()) fail_usage("--plan: only with --shard");
  if (!study.shard.empty())
    settings.part = PartSettings{parse_shard(study.shard), study.plan, study.decide.rounds_at_a_time()};
  require_possible(settings);
  return settings;
}

void run(const Study& study) {
  const StudySettings settings = settings_of(study);
  const Deadline deadline(study.decide.stop_after);
  if (study.task.tasks.empty() != study.text.are_given())
    fail_usage("give either --task, or prompts by --text or --text-file");
  std::vector<std::string> texts = study.text.read();
  const std::vector<std::string> outputs = outputs_of(study);
  std::optional<OutputFolder> folder;
  if (outputs.size() > 1 && !study.output.empty()) folder.emplace(study.output);
  const std::shared_ptr<const Model> model = study.engine.open_model();
  for (const Score* score : settings.targets.scores) check_score(*score, model->spec());
  if (study.text.are_given()) {
    run_task(study, settings, model, study.task.prepare_texts(*model, std::move(texts)), outputs.front(),
             deadline);
    return;
  }
  const std::vector<PreparedTask> tasks = study.task.prepare(*model);
  for (const PreparedTask& task : tasks) require_possible(settings, task.task);
  for (size_t t = 0; t < tasks.size(); ++t) {
    if (!run_task(study, settings, model, tasks[t], outputs[t], deadline)) return;
  }
}

void add_common(CLI::App& command, const std::shared_ptr<Study>& study, bool task_required) {
  study->task.add_to(command, task_required);
  begin_group(command, "Output");
  command
      .add_option("--output,-o", study->output,
                  "study file, or with several tasks a folder for MODEL_TASK.db of each (default: this "
                  "folder)")
      ->type_name("FILE");
  command
      .add_option("--store-every", study->store_every,
                  "seconds after which results are stored, at most a tenth more rows for it")
      ->type_name("SECONDS")
      ->check(number(1, 1e9))
      ->capture_default_str();
  command.add_flag(
      "--no-excerpts", study->no_excerpts,
      "do not keep how each question begins (80 characters) in the study file, for private texts");
  command.add_flag("--quiet,-q", study->quiet, "no summary and no messages but errors");
  add_progress(command, study->progress);
  begin_group(command, "In parts");
  command
      .add_option("--shard", study->shard,
                  "this part of the documents, as in 3/16, into a file of its own in the folder --output; "
                  "idleheads merge joins them")
      ->type_name("I/N");
  study->engine.add_to(command);
  command.callback([study] { run(*study); });
}

}  // namespace

void add_study(CLI::App& app) {
  CLI::App* command =
      app.add_subcommand("study", "score all heads, find thresholds, switch heads off, evaluate; resumable");
  auto study = std::make_shared<Study>();
  begin_group(*command, "Heads to switch off");
  command
      ->add_option(
          "--scores", study->scores,
          "score functions, as in awft,ahon_ln,random; all: the paper's and random, without sink and mass")
      ->type_name("LIST")
      ->capture_default_str();
  command
      ->add_option("--shares", study->shares, "target shares of heads in percent: first:last:step or a list")
      ->type_name("LIST")
      ->capture_default_str();
  command->add_flag(
      "--mean", study->mean,
      "heads that are off give the means of what they put out over all prompts of the baseline, "
      "instead of zeros");
  command->add_flag(
      "--static", study->static_masks,
      "then test static masks too: for the three best scores, the heads that each share had off in "
      "half of the inputs, and in all, off for every input");
  study->decide.add_to(*command);
  add_common(*command, study, true);
  command
      ->add_option("--plan", study->plan,
                   "with --shard: the file that idleheads merge joined the baselines of all parts into; runs "
                   "its interventions")
      ->type_name("FILE")
      ->group("In parts");
  add_guide(*command,
            {"idleheads study model.gguf --task piqa --data piqa/ -o piqa.db",
             "idleheads study m.gguf --task mine.jsonl --scores ahon_ln,random --shares 5,15",
             "idleheads study model.gguf --task mmlu --data mmlu/ --limit 20 --decide"},
            "docs/tasks.md, docs/scores.md, docs/decide.md and docs/cluster.md");
}

void add_score(CLI::App& app) {
  CLI::App* command =
      app.add_subcommand("score", "statistics of all heads and the baseline, nothing switched off");
  auto study = std::make_shared<Study>();
  study->baseline_only = true;
  study->text.add_to(*command);
  add_common(*command, study, false);
  add_guide(*command,
            {"idleheads score model.gguf --task mine.jsonl -o scores.db",
             "idleheads score model.gguf --text-file prompts.txt -o scores.db"},
            "docs/scores.md");
}

}  // namespace idleheads::cli
