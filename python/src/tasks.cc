// Tasks for Python: studies and evaluations of a model that is open.
#include <nanobind/stl/optional.h>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/vector.h>

#include "base/fail.h"
#include "idleheads/evaluation/evaluation.h"
#include "idleheads/evaluation/task_study.h"
#include "module.h"
#include "shared_engine.h"
#include "stoppable.h"

namespace idleheads {
namespace {

using namespace nb::literals;

// What a study is asked for besides its task, as the program's options of these names.
struct StudyRequest {
  std::string file, scores = "all", shares = "0:30:5";
  bool baseline_only = false, mean = false, static_masks = false, excerpts = true;
  std::optional<double> decide_within = {}, resolution = {};  // points; percent of the heads
  double confidence = 0.95, store_every = CohortSize::kSeconds;
  std::optional<int64_t> cohort_rows = {};
  uint64_t seed = 1234;
};

StudySettings settings_of(const SharedEngine& shared, const TaskSettings& task, const StudyRequest& request) {
  StudySettings settings = {shared.settings(), task};
  settings.engine.seed = request.seed;
  settings.engine.cohort_rows = request.cohort_rows;
  if (!request.baseline_only) settings.targets = {parse_scores(request.scores), parse_shares(request.shares)};
  settings.mean = request.mean;
  settings.excerpts = request.excerpts;
  settings.static_masks = request.static_masks;
  settings.store_every = request.store_every;
  if (request.decide_within) {
    DecideOptions decide;
    decide.terms.tolerance = *request.decide_within / 100;
    decide.terms.confidence = request.confidence;
    decide.resolution = request.resolution;
    settings.decide = decide;
  }
  return settings;
}

void add_warning(const PreparedTask& task, std::vector<std::string>& warnings) {
  if (std::string note = truncation_note(task); !note.empty()) warnings.push_back(std::move(note));
}

// (file, warnings, notes), a line each
using Studied = std::tuple<std::string, std::vector<std::string>, std::vector<std::string>>;

Studied study(SharedEngine& shared, const TaskSettings& task_settings, const StudyRequest& request,
              const nb::object& progress) {
  const std::shared_ptr<const Model> model = shared.model();
  const StudySettings settings = settings_of(shared, task_settings, request);
  Stoppable stoppable(progress);
  const auto work = [&](Engine& engine) {
    const std::vector<PreparedTask> tasks = task_settings.prepare(*model);
    if (tasks.size() != 1) fail_usage("a study is of one task, not of {}", tasks.size());
    Studied out;
    auto& [file, warnings, notes] = out;
    add_warning(tasks.front(), warnings);
    file = request.file.empty() ? default_study_file(model->name(), task_settings.wanted().front().label())
                                : request.file;
    TaskStudy run(settings, model, tasks.front(), file);
    StudyEvents events;
    events.progress = stoppable.callback();
    events.on_note = [&notes = notes](const std::string& note) { notes.push_back(note); };
    run.run([&]() -> Engine& { return engine; }, events);
    return out;
  };
  return stoppable.run([&] { return shared.use(work); });
}

// (results as JSON, the tables, what was written, warnings)
using Evaluated = std::tuple<std::string, std::string, std::vector<std::string>, std::vector<std::string>>;

Evaluated evaluate_tasks(SharedEngine& shared, const TaskSettings& task,
                         const std::vector<std::string>& rules, const std::string& mask,
                         const std::string& output, bool samples, bool baseline, uint64_t seed,
                         const nb::object& progress) {
  EvaluationSettings settings = {shared.settings(), task, rules, mask, baseline};
  settings.engine.seed = seed;
  const std::shared_ptr<const Model> model = shared.model();
  Stoppable stoppable(progress);
  const auto work = [&](Engine& engine) {
    Evaluation evaluation(settings, model);
    std::vector<std::string> written, warnings;
    for (const PreparedTask& prepared : evaluation.tasks()) add_warning(prepared, warnings);
    evaluation.run(engine, stoppable.callback());
    if (!output.empty()) written = evaluation.write(output, samples);
    return Evaluated{evaluation.json(), evaluation.text(), std::move(written), std::move(warnings)};
  };
  return stoppable.run([&] { return shared.use(work); });
}

void bind_settings(nb::module_& module) {
  nb::class_<TaskSettings>(module, "TaskSettings", "Tasks and how their prompts are made.")
      .def(nb::init<>())
      .def_rw("tasks", &TaskSettings::tasks)
      .def_rw("data", &TaskSettings::data)
      .def_rw("shots", &TaskSettings::shots, nb::arg().none())
      .def_rw("limit", &TaskSettings::limit, nb::arg().none())
      .def_rw("subjects", &TaskSettings::subjects)
      .def_rw("bos", &TaskSettings::bos)
      .def_rw("refuse_overflow", &TaskSettings::refuse_overflow)
      .def_rw("chat", &TaskSettings::chat)
      .def_rw("multiturn", &TaskSettings::multiturn, nb::arg().none())
      .def_rw("system", &TaskSettings::system)
      .def_rw("date", &TaskSettings::date);
  nb::class_<StudyRequest>(module, "StudyRequest", "What a study is asked for besides its task.")
      .def(nb::init<>())
      .def_rw("file", &StudyRequest::file)
      .def_rw("scores", &StudyRequest::scores)
      .def_rw("shares", &StudyRequest::shares)
      .def_rw("baseline_only", &StudyRequest::baseline_only)
      .def_rw("mean", &StudyRequest::mean)
      .def_rw("static_masks", &StudyRequest::static_masks)
      .def_rw("excerpts", &StudyRequest::excerpts)
      .def_rw("decide_within", &StudyRequest::decide_within, nb::arg().none())
      .def_rw("resolution", &StudyRequest::resolution, nb::arg().none())
      .def_rw("confidence", &StudyRequest::confidence)
      .def_rw("store_every", &StudyRequest::store_every)
      .def_rw("cohort_rows", &StudyRequest::cohort_rows, nb::arg().none())
      .def_rw("seed", &StudyRequest::seed);
}

}  // namespace

void bind_tasks(nb::module_& module) {
  bind_settings(module);
  module.def("study", study, "model"_a, "task"_a, "request"_a, "progress"_a.none() = nb::none());
  module.def("evaluate", evaluate_tasks, "model"_a, "task"_a, "rules"_a, "mask"_a, "output"_a, "samples"_a,
             "baseline"_a, "seed"_a, "progress"_a.none() = nb::none());
  module.def("task_names", task_names);
}

}  // namespace idleheads
