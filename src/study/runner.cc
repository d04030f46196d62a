#include "study/runner.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "base/error.h"
#include "base/hash.h"
#include "base/portable_name.h"
#include "base/version.h"
#include "format/json.h"
#include "heads/threshold.h"
#include "study/store_check.h"

namespace idleheads {
namespace {

// The plan's interventions without thresholds: baseline, then scores x shares.
std::vector<StoredIntervention> wanted(const StudyOptions& options) {
  std::vector<StoredIntervention> plan = {{"", 0, "none"}};
  for (const Score* score : options.scores) {
    for (const double share : options.shares) plan.push_back({std::string(score->slug), share, ""});
  }
  return plan;
}

bool same_targets(const std::vector<StoredIntervention>& a, const std::vector<StoredIntervention>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](const auto& x, const auto& y) { return x.score == y.score && x.share == y.share; });
}

std::vector<int64_t> missing(const std::vector<bool>& done) {
  std::vector<int64_t> out;
  for (size_t i = 0; i < done.size(); ++i) {
    if (!done[i]) out.push_back(static_cast<int64_t>(i));
  }
  return out;
}

// done[intervention][document] of all that is wanted, also before there is a plan.
std::vector<std::vector<bool>> done_of(const PreparedTask& task, const StudyStore& store,
                                       const StudyOptions& options) {
  std::vector<std::vector<bool>> done = store.done();
  done.resize(wanted(options).size(), std::vector<bool>(task.documents.size()));
  return done;
}

void make_plan(const PreparedTask& task, StudyStore& store, const StudyOptions& options) {
  require_same_plan(store, options);
  if (!store.plan().empty()) return;
  std::vector<StoredIntervention> plan = wanted(options);
  const std::vector<StoredResult> baseline = store.results(0, true);
  size_t next = 1;
  for (const Score* score : options.scores) {
    for (const float threshold : calibrate(*score, baseline, task, options.seed, options.shares)) {
      plan[next++].rule = to_string(Intervention(ScoreRule{score, threshold}));
    }
  }
  store.set_plan(plan);
}

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
  return settings;
}

void require_same_plan(const StudyStore& store, const StudyOptions& options) {
  const std::vector<StoredIntervention> stored = store.plan(), plan = wanted(options);
  if (!stored.empty() && !same_targets(stored, plan)) {
    fail(
        "the study was begun with other --scores or --shares ({} interventions, now {}); use another "
        "--output",
        stored.size() - 1, plan.size() - 1);
  }
}

Passes passes_of(const PreparedTask& task, const StudyStore& store, const StudyOptions& options) {
  Passes passes;
  for (const std::vector<bool>& intervention : done_of(task, store, options)) {
    for (size_t d = 0; d < task.documents.size(); ++d) {
      const auto prompts = static_cast<int64_t>(task.documents[d].samples.size());
      passes.total += prompts;
      passes.stored += intervention[d] ? prompts : 0;
    }
  }
  return passes;
}

bool is_complete(const StudyStore& store, const StudyOptions& options) {
  if (!same_targets(store.plan(), wanted(options))) return false;
  const std::vector<std::vector<bool>> done = store.done();
  return std::all_of(done.begin(), done.end(), [](const auto& row) { return missing(row).empty(); });
}

// Statistics of a sample lack all of a number or none of it.
void require_measured(const Score& score, const SampleStats& stats, int64_t document) {
  if (!std::isnan(get(stats.values.front(), score.numerator))) return;
  fail(
      "score {}: the study was begun by an older idleheads, which did not measure {} (document {}); start "
      "another with --output",
      score.slug, stat_name(score.numerator), document);
}

std::vector<float> calibrate(const Score& score, std::span<const StoredResult> baseline,
                             const PreparedTask& task, uint64_t seed, std::span<const double> shares) {
  std::vector<float> values;
  for (const StoredResult& result : baseline) {
    for (size_t s = 0; s < result.stats.size(); ++s) {
      const RandomKey key = {seed, task.documents[static_cast<size_t>(result.document)].samples[s].id};
      const SampleStats& stats = result.stats[s];
      require_measured(score, stats, result.document);
      std::vector<float> scores(static_cast<size_t>(stats.heads));
      for (int l = 0; l < stats.layers; ++l) {
        compute_scores(score, stats.layer(l), l, key, scores);
        values.insert(values.end(), scores.begin(), scores.end());
      }
    }
  }
  return thresholds_for_shares(score, std::move(values), shares);
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
        done_(done_of(task, store, options)) {}

  void compute_baseline() {
    evaluate(engine_, task_, missing(done_[0]), none_, evaluate_options("baseline", 0, 1),
             [&](const Results& results) { store(results); });
  }

  // Where the baseline is complete already, so that a document under all interventions is not what tells how
  // slow the machine is.
  void measure() {
    if (size_.is_measured()) return;
    const std::vector<int64_t> first = {0};
    evaluate(engine_, task_, first, none_, evaluate_options("measurement", 0, 0), [](const Results&) {});
  }

  void compute_interventions() {
    make_plan(task_, store_, options_);
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

 private:
  void store(const Results& results) {
    store_.add(results);
    for (const auto& [number, result] : results)
      done_[static_cast<size_t>(number)][static_cast<size_t>(result.document)] = true;
  }

  // For interventions [first, end) of the plan.
  EvaluateOptions evaluate_options(std::string phase, size_t first, size_t end) {
    const bool is_baseline = first == 0;
    EvaluateOptions options = {.stats = is_baseline, .seed = options_.seed, .progress = options_.progress};
    options.phase = std::move(phase);
    options.size = &size_;
    for (size_t i = first; i < end; ++i)
      options.done_before += std::count(done_[i].begin(), done_[i].end(), true);
    options.total = static_cast<int64_t>((end - first) * task_.documents.size());
    if (options_.on_estimate) options.on_measured = [this] { options_.on_estimate(estimate()); };
    return options;
  }

  // Interventions that documents lack -> those documents. What is stored at a time is a cohort or a part of
  // one document, so there are few groups.
  std::map<std::vector<int64_t>, std::vector<int64_t>> missing_interventions() const {
    std::map<std::vector<int64_t>, std::vector<int64_t>> groups;
    for (size_t d = 0; d < task_.documents.size(); ++d) {
      std::vector<int64_t> lacking;
      for (size_t i = 1; i < done_.size(); ++i) {
        if (!done_[i][d]) lacking.push_back(static_cast<int64_t>(i));
      }
      if (!lacking.empty()) groups[lacking].push_back(static_cast<int64_t>(d));
    }
    return groups;
  }

  StudyEstimate estimate() const {
    StudyEstimate estimate;
    int64_t rows = 0, longest = 0;
    for (size_t d = 0; d < task_.documents.size(); ++d) {
      int64_t of_document = 0;
      for (const std::vector<bool>& intervention : done_) of_document += intervention[d] ? 0 : 1;
      of_document *= task_.rows(static_cast<int64_t>(d));
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
  std::vector<std::vector<bool>> done_;  // [intervention][document]
};

// "What was finished is stored" must be true also where the run was stopped.
template <typename Compute>
void compute_and_finish(StudyStore& store, const Compute& compute) {
  try {
    compute();
  } catch (const Interrupted&) {
    store.finish();
    throw;
  }
  store.finish();
}

}  // namespace

void run_baseline(Engine& engine, const PreparedTask& task, StudyStore& store, const StudyOptions& options) {
  compute_and_finish(store, [&] { Run(engine, task, store, options).compute_baseline(); });
}

void run_study(Engine& engine, const PreparedTask& task, StudyStore& store, const StudyOptions& options) {
  compute_and_finish(store, [&] {
    Run run(engine, task, store, options);
    run.compute_baseline();
    run.measure();
    run.compute_interventions();
  });
}

}  // namespace idleheads
