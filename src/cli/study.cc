// idleheads study and idleheads score: everything about one model on one task into one file.
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <optional>

#include "base/duration.h"
#include "base/error.h"
#include "base/memory.h"
#include "cli/commands.h"
#include "cli/decide_options.h"
#include "cli/options.h"
#include "cli/study_part.h"
#include "cli/task_options.h"
#include "cli/terminal.h"
#include "prune/static_plan.h"
#include "report/output_file.h"
#include "report/show.h"
#include "study/describe.h"
#include "study/runner.h"

namespace idleheads::cli {
namespace {

struct Study {
  EngineFlags engine;
  TaskFlags task;
  std::string text;  // score only
  std::string output;
  std::string scores = "all";
  std::string shares = "0:30:5";
  std::string shard, plan;  // of a study in parts
  bool baseline_only = false;
  bool quiet = false, static_masks = false, mean = false;
  double store_every = CohortSize::kSeconds;
  DecideFlags decide;
};

// "a baseline and 14 interventions"
std::string round_text(const StudyStore& store, const StudyOptions& options) {
  const size_t planned =
      store.plan().empty() ? interventions_of(options.targets).size() : store.plan().size();
  const size_t count = options.round == Round::baseline ? 0 : planned - 1;
  const std::string interventions = fmt::format("{} intervention{}", count, count == 1 ? "" : "s");
  if (options.round == Round::interventions) return interventions;
  return count == 0 ? "a baseline" : "a baseline and " + interventions;
}

// What there is to do, before it begins.
void say_plan(const Study& study, const PreparedTask& task, const StudyStore& store,
              const StudyOptions& options, const std::string& output) {
  const Passes passes = passes_of(task, store, options);
  const int64_t documents = options.documents ? options.documents->size() : std::ssize(task.documents);
  say("{}: {}{} documents, {}{} passes of the model ({}){}; results go to {}\n",
      printable(study.engine.model, 300), options.documents ? fmt::format("part {}: ", study.shard) : "",
      documents, options.decide ? "at most " : "", passes.total, round_text(store, options),
      passes.stored == 0 ? "" : fmt::format(", {} of them stored already", passes.stored),
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
      study.engine.device().is_cpu() && study.engine.precision() == Precision::f32 && has_bf16()
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

void compute(const Study& study, Engine& engine, const PreparedTask& task, StudyStore& store,
             StudyOptions options, const std::string& output, const Deadline& deadline) {
  const auto start = std::chrono::steady_clock::now();
  const WorkCount before = engine.work();
  ProgressLine line(!study.quiet);
  options.cohort_rows = study.engine.rows_of_cohort(engine);
  options.cohort_seconds = study.store_every;
  options.progress = [&, on_line = progress_on(line)](const Progress& progress) {
    return on_line(progress) && !deadline.has_passed();
  };
  if (!store.can_be_read_meanwhile()) {
    say("{}: on a file system of a network, where nobody can read it until the study ends; a folder of this "
        "machine is faster and safer\n",
        printable(output, 300));
  }
  if (!study.quiet) {
    say_plan(study, task, store, options, output);
    options.on_estimate = [&](const StudyEstimate& estimate) { say_estimate(study, estimate); };
    options.on_decided = [&](const StoredIntervention& intervention, const LossDecision& decision) {
      line.print(decision_line(intervention, decision));
    };
  }
  run_study(engine, task, store, options);
  if (study.quiet) return;
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  const WorkCount after = engine.work();
  const int64_t rows = after.rows - before.rows, unshared = after.rows_unshared - before.rows_unshared;
  say("{}done in {:.1f} s; {:.1f} times fewer rows than without sharing; peak memory {:.0f} MiB\n",
      isatty(fileno(stderr)) ? "\n" : "", seconds,
      static_cast<double>(unshared) / static_cast<double>(std::max<int64_t>(1, rows)),
      static_cast<double>(peak_resident_bytes()) / (1 << 20));
}

std::optional<Shard> part_of(const Study& study) {
  return study.shard.empty() ? std::nullopt : std::optional(parse_shard(study.shard));
}

void print_study(const StudyStore& store) {
  ShowOptions options;
  options.color = color_depth();
  options.width = terminal_width();
  fmt::print("{}", show(summarize(store), options));
  std::fflush(stdout);  // the next task may take long
}

// Computes what is missing. A study that was stopped says what is known so far; true if that was
// --stop-after.
bool compute_or_stop(const Study& study, Engine& engine, const PreparedTask& task, StudyStore& store,
                     const StudyOptions& options, const std::string& output, const Deadline& deadline) {
  try {
    compute(study, engine, task, store, options, output, deadline);
    return false;
  } catch (const Interrupted& error) {
    if (!study.quiet && study.shard.empty()) print_study(store);
    if (!deadline.has_passed()) throw;
    say("after {}: {}\n", duration(deadline.elapsed()), error.what());
    return true;
  }
}

// True if there is something to compute.
bool add_static_masks(StudyStore& store, const Study& study, const std::string& output) {
  const int64_t added = plan_static_masks(store);
  if (!study.quiet && added == 0) say("{}: no static masks beyond those it has\n", printable(output, 300));
  return added > 0;
}

// The study of one task, into one file. False if time is up.
bool run_task(const Study& study, const std::shared_ptr<const Model>& model, const PreparedTask& task,
              const std::string& output, StudyOptions options, const Deadline& deadline) {
  warn_truncated(task);
  const StudyDescription description = {model.get(),
                                        &task,
                                        study.task.limit_text(),
                                        study.task.bos,
                                        study.task.chat_description(*model),
                                        study.task.system,
                                        study.engine.precision(),
                                        study.engine.seed,
                                        study.engine.device(),
                                        part_of(study),
                                        options.targets,
                                        study.mean};
  const Settings settings = describe(description);
  std::optional<StudyStore> store = StudyStore::open(output, settings, task.stored);
  if (!study.shard.empty()) {
    const PartRequest part = {parse_shard(study.shard), study.plan, study.decide.rounds_at_a_time()};
    begin_part(part, {output, settings, task}, *store, options);
  }
  if (options.round == Round::all) require_same_plan(*store, options);
  std::unique_ptr<Engine> engine;  // one for both, made if there is something to compute
  const auto compute = [&] {
    if (!engine) engine = study.engine.make_engine(model);
    return !compute_or_stop(study, *engine, task, *store, options, output, deadline);
  };
  if (!is_complete(*store, options)) {
    if (!compute()) return false;
    store.reset();  // a finished file is closed before it is written again
    store = StudyStore::open(output, settings, task.stored);
  } else if (!study.static_masks) {
    say("{} is complete already, nothing to compute\n", printable(output, 300));
  }
  if (study.static_masks && add_static_masks(*store, study, output) && !compute()) return false;
  if (study.quiet) return true;
  if (!study.shard.empty()) {
    fmt::print("part {} is done: {}; idleheads merge joins the parts when all are\n", study.shard,
               printable(output, 300));
    return true;
  }
  print_study(*store);
  return true;
}

// The file of each task.
std::vector<std::string> outputs_of(const Study& study) {
  if (!study.shard.empty() && !study.text.empty())
    return {output_of_part(study.engine.model, study.text, study.output, parse_shard(study.shard))};
  if (!study.text.empty())
    return {study.output.empty() ? default_output(study.engine.model, study.text) : study.output};
  const std::vector<WantedTask> wanted = study.task.wanted();
  if (!study.shard.empty()) {
    if (wanted.size() != 1) fail_usage("--shard: one task at a time");
    return {
        output_of_part(study.engine.model, wanted.front().label(), study.output, parse_shard(study.shard))};
  }
  if (wanted.size() == 1 && !study.output.empty()) return {study.output};
  if (study.output.ends_with(".db"))
    fail_usage("--output {}: several tasks have a file each; name a folder", printable(study.output, 300));
  std::vector<std::string> outputs;
  for (const WantedTask& task : wanted)
    outputs.push_back(std::filesystem::path(study.output) / default_output(study.engine.model, task.label()));
  return outputs;
}

// Before anything is computed.
void require_decidable(const Task& task) {
  if (!task.metrics.empty() && metric_info(task.metrics.front()).is_share) return;
  fail_usage(
      "--decide: {} is measured by {}, and a loss without a bound cannot be decided before the last text; "
      "without --decide, `show` bounds the loss of a finished study (--within)",
      printable(task.name), task.metrics.empty() ? "nothing" : metric_name(task.metrics.front()));
}

void run(const Study& study) {
  StudyOptions options;
  if (study.baseline_only) options.round = Round::baseline;
  if (!study.baseline_only && study.plan.empty())
    options.targets = {parse_scores(study.scores), parse_shares(study.shares)};
  options.decide = study.decide.options(!study.shard.empty());
  if (study.static_masks && options.decide)
    fail_usage(
        "--static: which heads are off in how many inputs is known when all are asked, so not with --decide");
  if (study.static_masks && !study.shard.empty())
    fail_usage("--static: not for a part; run it on the file that idleheads merge makes of all parts");
  const Deadline deadline(study.decide.stop_after);
  if (!study.plan.empty() && study.shard.empty()) fail_usage("--plan: only with --shard");
  if (!study.shard.empty()) parse_shard(study.shard);  // before the model is opened
  options.seed = study.engine.seed;
  if (study.task.tasks.empty() == study.text.empty()) fail_usage("give either --task or --text");
  const std::vector<std::string> outputs = outputs_of(study);
  std::optional<OutputFolder> folder;
  if (outputs.size() > 1 && !study.output.empty()) folder.emplace(study.output);
  const std::shared_ptr<const Model> model = study.engine.open_model();
  for (const Score* score : options.targets.scores) check_score(*score, model->spec());
  if (!study.text.empty()) {
    run_task(study, model, study.task.prepare_text(*model, study.text), outputs.front(), options, deadline);
    return;
  }
  const std::vector<PreparedTask> tasks = study.task.prepare(*model);
  if (options.decide) {
    for (const PreparedTask& task : tasks) require_decidable(task.task);
  }
  for (size_t t = 0; t < tasks.size(); ++t) {
    if (!run_task(study, model, tasks[t], outputs[t], options, deadline)) return;
  }
}

void add_common(CLI::App& command, const std::shared_ptr<Study>& study, bool task_required) {
  study->engine.add_to(command);
  study->task.add_to(command, task_required);
  command.add_option(
      "--output,-o", study->output,
      "study file, or with several tasks a folder for MODEL_TASK.db of each (default: this folder)");
  command
      .add_option("--store-every", study->store_every,
                  "seconds after which results are stored, at most a tenth more rows for it")
      ->check(CLI::Range(1.0, 1e9))
      ->capture_default_str();
  command.add_option("--shard", study->shard,
                     "this part of the documents, as in 3/16, into a file of its own in the folder --output; "
                     "idleheads merge joins them");
  command.add_flag("--quiet,-q", study->quiet, "no summary, errors only");
  command.callback([study] { run(*study); });
}

}  // namespace

void add_study(CLI::App& app) {
  CLI::App* command =
      app.add_subcommand("study", "score all heads, find thresholds, switch heads off, evaluate; resumable");
  auto study = std::make_shared<Study>();
  add_common(*command, study, true);
  command
      ->add_option(
          "--scores", study->scores,
          "score functions, as in awft,ahon_ln,random; all: the paper's and random, without sink and mass")
      ->capture_default_str();
  command
      ->add_option("--shares", study->shares, "target shares of heads in percent: first:last:step or a list")
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
  command->add_option(
      "--plan", study->plan,
      "with --shard: the file that idleheads merge joined the baselines of all parts into; runs "
      "its interventions");
}

void add_score(CLI::App& app) {
  CLI::App* command =
      app.add_subcommand("score", "statistics of all heads and the baseline, nothing switched off");
  auto study = std::make_shared<Study>();
  study->baseline_only = true;
  add_common(*command, study, false);
  command->add_option("--text", study->text, "text file instead of a task, one prompt a line");
}

}  // namespace idleheads::cli
