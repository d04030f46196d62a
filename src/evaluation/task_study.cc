#include "idleheads/evaluation/task_study.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <chrono>
#include <ctime>
#include <filesystem>

#include "base/fail.h"
#include "evaluation/study_part.h"
#include "idleheads/study/describe.h"
#include "prune/static_plan.h"

namespace idleheads {
namespace fs = std::filesystem;

// Static masks are made of what a whole study had off.
void require_possible(const StudySettings& settings) {
  if (!settings.static_masks) return;
  if (settings.decide) {
    fail_usage(
        "--static: which heads are off in how many inputs is known when all are asked, so not with --decide");
  }
  if (settings.part)
    fail_usage("--static: not for a part; run it on the file that idleheads merge makes of all parts");
}

void require_possible(const StudySettings& settings, const Task& task) {
  require_possible(settings);
  if (!settings.decide || (!task.metrics.empty() && metric_info(task.metrics.front()).is_share)) return;
  fail_usage(
      "--decide: {} is measured by {}, and a loss without a bound cannot be decided before the last text; "
      "without --decide, `show` bounds the loss of a finished study (--within)",
      printable(task.name), task.metrics.empty() ? "nothing" : metric_name(task.metrics.front()));
}

TaskStudy::TaskStudy(StudySettings settings, std::shared_ptr<const Model> model, const PreparedTask& task,
                     std::string file)
    : settings_(std::move(settings)), model_(std::move(model)), task_(task), file_(std::move(file)) {
  require_possible(settings_, task_.task);
  for (const Score* score : settings_.targets.scores) check_score(*score, model_->spec());
  const bool is_plan_given = settings_.part && !settings_.part->plan.empty();
  options_.targets = settings_.targets;
  options_.seed = settings_.engine.seed;
  options_.round = settings_.targets.scores.empty() && !is_plan_given ? Round::baseline : Round::all;
  options_.decide = settings_.decide;
  options_.cohort_seconds = settings_.store_every;
  described_ =
      describe({model_.get(), &task_, settings_.task.limit_text(), settings_.task.bos,
                settings_.task.chat_description(*model_), settings_.task.system, settings_.engine.precision(),
                settings_.engine.seed, settings_.engine.device_choice(),
                settings_.part ? std::optional(settings_.part->shard) : std::nullopt, settings_.targets,
                settings_.mean});
  described_[kDateSetting] = fmt::format("{:%Y-%m-%d}", fmt::gmtime(std::time(nullptr)));
  if (!settings_.command.empty()) described_[kCommandSetting] = settings_.command;
  open();
  if (settings_.part) begin_part(*settings_.part, {file_, described_, task_}, *store_, options_);
  if (options_.round == Round::all) require_same_plan(*store_, options_);
}

void TaskStudy::run(const std::function<Engine&()>& engine, const StudyEvents& events) {
  const auto note = [&](const std::string& line) {
    if (events.on_note) events.on_note(fmt::format("{}{}", printable(file_, 300), line));
  };
  if (has_run_) open();  // what was written to once is closed before it is written to again
  has_run_ = true;
  if (options_.asked && options_.asked->empty()) note(": everything is decided");
  if (!is_complete(*store_, options_)) {
    if (!store_->can_be_read_meanwhile()) {
      note(
          ": on a file system of a network, where nobody can read it until the study ends; a folder of this "
          "machine is faster and safer");
    }
    compute(engine(), events);
    if (settings_.static_masks) open();
  } else if (!settings_.static_masks) {
    note(" is complete already, nothing to compute");
  }
  if (!settings_.static_masks) return;
  if (plan_static_masks(*store_) > 0) {
    compute(engine(), events);
  } else {
    note(": no static masks beyond those it has");
  }
}

void TaskStudy::open() {
  store_.reset();
  const std::vector<std::string> none;
  store_ = StudyStore::open(file_, described_, task_.stored, settings_.excerpts ? task_.excerpts : none);
  if (!settings_.excerpts && !store_->excerpts().empty()) {
    fail(
        "{}: keeps how each question begins, since it was begun without --no-excerpts; use another --output, "
        "or leave --no-excerpts out",
        printable(file_, 300));
  }
}

void TaskStudy::compute(Engine& engine, const StudyEvents& events) {
  const auto start = std::chrono::steady_clock::now();
  const WorkCount before = engine.work();
  options_.cohort_rows = settings_.engine.rows_of_cohort(engine);
  options_.progress = events.progress;
  options_.on_estimate = events.on_estimate;
  options_.on_decided = events.on_decided;
  if (events.on_begin) events.on_begin(begin());
  run_study(engine, task_, *store_, options_);
  const WorkCount after = engine.work();
  if (!events.on_end) return;
  events.on_end({std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count(),
                 {after.rows - before.rows, after.rows_unshared - before.rows_unshared}});
}

StudyBegin TaskStudy::begin() const {
  const std::vector<StoredIntervention> plan = store_->plan();
  const size_t planned = plan.empty() ? interventions_of(options_.targets).size() : plan.size();
  return {passes_of(task_, *store_, options_),
          options_.round == Round::baseline ? 0 : static_cast<int64_t>(planned) - 1,
          options_.round != Round::interventions, options_.documents};
}

std::string default_study_file(const std::string& model, const std::string& task) {
  fs::path path(model);
  if (!path.has_filename()) path = path.parent_path();
  const std::string stem = path.extension() == ".gguf" ? path.stem().string() : path.filename().string();
  return fmt::format("{}_{}.db", stem, fs::path(task).stem().string());
}

std::string study_file_of_part(const std::string& model, const std::string& task, const std::string& output,
                               Shard shard) {
  if (output.ends_with(".db")) return output;
  const std::string whole = default_study_file(model, task);
  const fs::path folder =
      output.empty() ? whole.substr(0, whole.size() - std::string(".db").size()) + "_parts" : output;
  std::error_code error;
  fs::create_directories(folder, error);
  if (error) fail("{}: cannot be made: {}", shown_path(folder), error.message());
  return (folder / file_name(shard)).string();
}

}  // namespace idleheads
