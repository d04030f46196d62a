#include "study/runner.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>

#include "base/error.h"
#include "base/hash.h"
#include "base/portable_name.h"
#include "base/version.h"
#include "format/json.h"
#include "study/store_check.h"

namespace idleheads {
namespace {

// Documents of the range that are not done.
std::vector<int64_t> missing(const std::vector<bool>& done, DocumentRange range) {
  std::vector<int64_t> out;
  for (int64_t d = range.first; d < range.end; ++d) {
    if (!done[static_cast<size_t>(d)]) out.push_back(d);
  }
  return out;
}

// What a run computes: some interventions of some documents, and what of it is there.
struct Progressed {
  std::vector<std::vector<bool>> done;  // [intervention][document] of the whole study
  size_t first = 0, end = 0;            // interventions of the round
  DocumentRange documents;

  Progressed(const StudyStore& store, const StudyOptions& options) : done(store.done()) {
    const size_t count = done.front().size();
    // Also before there is a plan.
    done.resize(std::max(done.size(), interventions_of(options.targets).size()), std::vector<bool>(count));
    first = options.round == Round::interventions ? 1 : 0;
    end = options.round == Round::baseline ? 1 : done.size();
    documents = options.documents.value_or(DocumentRange{0, static_cast<int64_t>(count)});
  }
};

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
                       {"model.kv_heads", std::to_string(model.kv_heads())},
                       {"task.name", task.name},
                       {"task.version", task.version},
                       {"task.shots", std::to_string(task.shots)},
                       {"task.limit", d.limit},
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
                       {"info.model", portable_name(d.model->name())},
                       {kBuildsSetting, build_description()},
                       {"info.metric", metrics.substr(0, metrics.find(';'))}};
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

void require_same_plan(const StudyStore& store, const StudyOptions& options) {
  const std::vector<StoredIntervention> stored = store.plan();
  if (!stored.empty() && !is_plan_of(stored, options.targets)) {
    fail(
        "the study was begun with other --scores or --shares ({} interventions, now {}); use another "
        "--output",
        stored.size() - 1, interventions_of(options.targets).size() - 1);
  }
}

Passes passes_of(const PreparedTask& task, const StudyStore& store, const StudyOptions& options) {
  const Progressed state(store, options);
  Passes passes;
  for (size_t i = state.first; i < state.end; ++i) {
    for (int64_t d = state.documents.first; d < state.documents.end; ++d) {
      const auto place = static_cast<size_t>(d);
      const auto prompts = static_cast<int64_t>(task.documents[place].samples.size());
      passes.total += prompts;
      passes.stored += state.done[i][place] ? prompts : 0;
    }
  }
  return passes;
}

bool is_complete(const StudyStore& store, const StudyOptions& options) {
  if (options.round == Round::all && !is_plan_of(store.plan(), options.targets)) return false;
  const Progressed state(store, options);
  for (size_t i = state.first; i < state.end; ++i) {
    if (!missing(state.done[i], state.documents).empty()) return false;
  }
  return true;
}

namespace {

// One run of a study: what is missing, cohort by cohort.
class Run {
 public:
  Run(Engine& engine, const PreparedTask& task, StudyStore& store, const StudyOptions& options)
      : engine_(engine),
        task_(task),
        store_(store),
        options_(options),
        size_(options.cohort_rows, options.cohort_seconds),
        state_(store, options) {}

  void compute() {
    if (options_.round != Round::interventions) compute_baseline();
    if (options_.round == Round::baseline) return;
    measure();
    if (options_.round == Round::all) make_plan();
    compute_interventions();
  }

 private:
  void compute_baseline() {
    evaluate(engine_, task_, missing(state_.done[0], state_.documents), none_,
             evaluate_options("baseline", 0, 1), [&](const Results& results) { store(results); });
  }

  // Where the baseline is complete already, so that a document under all interventions is not what tells how
  // slow the machine is.
  void measure() {
    if (size_.is_measured() || state_.documents.size() == 0) return;
    const std::vector<int64_t> first = {state_.documents.first};
    evaluate(engine_, task_, first, none_, evaluate_options("measurement", 0, 0), [](const Results&) {});
  }

  void make_plan() {
    require_same_plan(store_, options_);
    if (store_.plan().empty()) idleheads::make_plan(store_, options_.targets, options_.seed);
  }

  void compute_interventions() {
    const std::vector<StoredIntervention> plan = store_.plan();
    size_.forget_sharing();
    for (const auto& [numbers, documents] : missing_interventions()) {
      std::vector<Intervention> interventions;
      for (const int64_t i : numbers) interventions.push_back(rule_of(plan[static_cast<size_t>(i)]));
      evaluate(engine_, task_, documents, interventions, evaluate_options("interventions", 1, plan.size()),
               [&, &lacking = numbers](Results results) {
                 for (auto& [number, result] : results) number = lacking[static_cast<size_t>(number)];
                 store(results);
               });
    }
  }

  void store(const Results& results) {
    store_.add(results);
    for (const auto& [number, result] : results)
      state_.done[static_cast<size_t>(number)][static_cast<size_t>(result.document)] = true;
  }

  // For interventions [first, end) of the plan.
  EvaluateOptions evaluate_options(std::string phase, size_t first, size_t end) {
    const bool is_baseline = first == 0;
    EvaluateOptions options = {.stats = is_baseline, .seed = options_.seed, .progress = options_.progress};
    options.phase = std::move(phase);
    options.size = &size_;
    const int64_t documents = state_.documents.size();
    for (size_t i = first; i < end; ++i)
      options.done_before += documents - std::ssize(missing(state_.done[i], state_.documents));
    options.total = static_cast<int64_t>(end - first) * documents;
    if (options_.on_estimate) options.on_measured = [this] { options_.on_estimate(estimate()); };
    return options;
  }

  // Interventions that documents lack -> those documents. What is stored at a time is a cohort or a part of
  // one document, so there are few groups.
  std::map<std::vector<int64_t>, std::vector<int64_t>> missing_interventions() const {
    std::map<std::vector<int64_t>, std::vector<int64_t>> groups;
    for (int64_t d = state_.documents.first; d < state_.documents.end; ++d) {
      std::vector<int64_t> lacking;
      for (size_t i = 1; i < state_.done.size(); ++i) {
        if (!state_.done[i][static_cast<size_t>(d)]) lacking.push_back(static_cast<int64_t>(i));
      }
      if (!lacking.empty()) groups[lacking].push_back(d);
    }
    return groups;
  }

  StudyEstimate estimate() const {
    StudyEstimate estimate;
    int64_t rows = 0, longest = 0;
    for (int64_t d = state_.documents.first; d < state_.documents.end; ++d) {
      int64_t of_document = 0;
      for (size_t i = state_.first; i < state_.end; ++i)
        of_document += state_.done[i][static_cast<size_t>(d)] ? 0 : 1;
      of_document *= task_.rows(d);
      rows += of_document;
      longest = std::max(longest, of_document);
    }
    estimate.seconds = size_.seconds_of(rows);
    estimate.longest_document = size_.seconds_of(longest);
    // Paths share less with every layer; the last layers hold up to twice the mean.
    constexpr int64_t kDeepest = 2;
    estimate.memory = engine_.memory_of(std::min({rows, size_.most(), kDeepest * size_.rows_in_time()}));
    return estimate;
  }

  Engine& engine_;
  const PreparedTask& task_;
  StudyStore& store_;
  const StudyOptions& options_;
  const std::vector<Intervention> none_ = {std::monostate{}};
  CohortSize size_;
  Progressed state_;
};

}  // namespace

// "What was finished is stored" must be true also where the run was stopped.
void run_study(Engine& engine, const PreparedTask& task, StudyStore& store, const StudyOptions& options) {
  Run run(engine, task, store, options);
  try {
    run.compute();
  } catch (const Interrupted&) {
    store.finish();
    throw;
  }
  store.finish();
}

}  // namespace idleheads
