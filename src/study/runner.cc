#include "idleheads/study/runner.h"

#include <algorithm>
#include <map>

#include "base/fail.h"
#include "studyfile/store_check.h"

namespace idleheads {
namespace {

// A bit for each (intervention, document) pair of a study.
using Pairs = std::vector<std::vector<bool>>;

// What a run computes at most, and what of it is there.
struct Progressed {
  Pairs wanted, done;
  DocumentRange documents;

  Progressed(const StudyStore& store, const StudyOptions& options) : done(store.done()) {
    const size_t count = done.front().size();
    // Also before there is a plan.
    done.resize(std::max(done.size(), interventions_of(options.targets).size()), std::vector<bool>(count));
    wanted.resize(done.size(), std::vector<bool>(count));
    documents = options.documents.value_or(DocumentRange{0, static_cast<int64_t>(count)});
    const size_t first = options.round == Round::interventions ? 1 : 0;
    const size_t end = options.round == Round::baseline ? 1 : done.size();
    if (options.asked) {
      for (const AskedDocuments& asked : *options.asked) want(asked);
    } else {
      for (size_t i = first; i < end; ++i) want_all(i);
    }
  }

  void grow(size_t interventions) {
    const size_t count = done.front().size();
    const size_t before = done.size();
    done.resize(interventions, std::vector<bool>(count));
    wanted.resize(interventions, std::vector<bool>(count));
    for (size_t i = before; i < interventions; ++i) want_all(i);
  }

  bool is_missing(size_t intervention, int64_t document) const {
    const auto d = static_cast<size_t>(document);
    return wanted[intervention][d] && !done[intervention][d];
  }

  // Pairs of interventions [first, end) that are wanted, or stored of these.
  int64_t total(size_t first, size_t end) const {
    int64_t sum = 0;
    for (size_t i = first; i < end; ++i) sum += std::ranges::count(wanted[i], true);
    return sum;
  }
  int64_t stored(size_t first, size_t end) const {
    int64_t missing = 0;
    for (size_t i = first; i < end; ++i) missing += std::ssize(missing_documents(i));
    return total(first, end) - missing;
  }

  std::vector<int64_t> missing_documents(size_t intervention) const {
    std::vector<int64_t> out;
    for (int64_t d = documents.first; d < documents.end; ++d) {
      if (is_missing(intervention, d)) out.push_back(d);
    }
    return out;
  }

 private:
  void want_all(size_t intervention) {
    for (int64_t d = documents.first; d < documents.end; ++d)
      wanted[intervention][static_cast<size_t>(d)] = true;
  }
  void want(const AskedDocuments& asked) {
    for (const int64_t i : asked.interventions) {
      for (const int64_t d : asked.documents) {
        if (documents.contains(d)) wanted.at(static_cast<size_t>(i)).at(static_cast<size_t>(d)) = true;
      }
    }
  }
};

std::vector<int64_t> all_interventions(size_t count) {
  std::vector<int64_t> out;
  for (size_t i = 1; i < count; ++i) out.push_back(static_cast<int64_t>(i));
  return out;
}

}  // namespace

StoredOrder order_for(const PreparedTask& task) {
  constexpr int64_t kBlock = 4;  // bench/decision_bench.cc: costs no more documents than blocks of one
  int64_t common = 0, rows = 0;
  for (size_t d = 1; d < task.documents.size(); ++d) {
    if (task.stored[d].group != task.stored[d - 1].group) continue;
    const std::vector<int32_t>& before = task.documents[d - 1].samples.front().tokens;
    const std::vector<int32_t>& tokens = task.documents[d].samples.front().tokens;
    common += std::ranges::mismatch(before, tokens).in1 - before.begin();
    rows += std::ssize(tokens);
  }
  return {.block_documents = 2 * common > rows ? kBlock : 1};
}

void require_same_plan(const StudyStore& store, const StudyOptions& options) {
  const std::vector<StoredIntervention> stored = store.plan();
  if (!stored.empty() && !is_plan_of(stored, options.targets)) {
    fail(
        "the study was begun with other --scores or --shares ({} interventions, now {}); use another "
        "--output",
        std::ranges::count(stored, 0, &StoredIntervention::generation) - 1,
        interventions_of(options.targets).size() - 1);
  }
}

Passes passes_of(const PreparedTask& task, const StudyStore& store, const StudyOptions& options) {
  const Progressed state(store, options);
  Passes passes;
  for (size_t i = 0; i < state.done.size(); ++i) {
    for (int64_t d = state.documents.first; d < state.documents.end; ++d) {
      const auto place = static_cast<size_t>(d);
      if (!state.wanted[i][place]) continue;
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
  if (!options.decide) return state.stored(0, state.done.size()) == state.total(0, state.done.size());
  if (!store.order() || store.decision_terms() != options.decide->terms) return false;
  const PlanDecisions decisions(store, options.decide->terms);
  const std::optional<double> resolution = options.decide->resolution;
  return decisions.open().empty() && !(resolution && !decisions.shares_to_try(*resolution).empty());
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
    if (!store_.order()) store_.set_order(order_for(task_));
    if (options_.round != Round::interventions) compute_baseline();
    if (options_.round == Round::baseline) return;
    measure();
    if (options_.round == Round::all) make_plan();
    size_.forget_sharing();
    means_ = store_.means();
    options_.decide ? decide() : compute_interventions();
  }

 private:
  void compute_baseline() {
    EvaluateOptions options = evaluate_options("baseline", true);
    options.total = state_.total(0, 1);
    options.done_before = state_.stored(0, 1);
    OutputSums outputs;  // of what is not stored
    if (by_means_) options.outputs = &outputs;
    evaluate(engine_, task_, state_.missing_documents(0), none_, options, [&](const Results& results) {
      store(results, by_means_ ? &outputs : nullptr);
      outputs = {};
    });
  }

  // Where the baseline is complete already, so that a document under all interventions is not what tells how
  // slow the machine is.
  void measure() {
    if (size_.is_measured() || state_.documents.size() == 0) return;
    const std::vector<int64_t> first = {state_.documents.first};
    evaluate(engine_, task_, first, none_, evaluate_options("measurement", true), [](const Results&) {});
  }

  void make_plan() {
    require_same_plan(store_, options_);
    if (store_.plan().empty()) idleheads::make_plan(store_, options_.targets, options_.seed);
  }

  // All that is missing, in the random order, so that what is known meanwhile says something about the whole.
  // The rounds of a tenth of the study are asked together, or of some cohorts if that is more: documents of a
  // subject, whose prompts begin alike, share more rows the more of them there are.
  void compute_interventions() {
    const std::vector<StoredIntervention> plan = store_.plan();
    const std::vector<int64_t> interventions = all_interventions(plan.size());
    const auto rounds = documents_by_round(store_.settings(), store_.documents(), *store_.order());
    const size_t together = rounds.size() / 10 + 1;
    constexpr int64_t kCohorts = 5;  // ten minutes
    for (size_t r = 0; r < rounds.size();) {
      AskedDocuments asked = {interventions, {}};
      int64_t rows = 0;
      for (size_t n = 0; r < rounds.size() && (n < together || rows < kCohorts * size_.rows()); ++n, ++r)
        rows += add(rounds[r], asked);
      ask(asked, plan, [&] {
        EvaluateOptions options = evaluate_options("interventions", false);
        options.total = state_.total(1, plan.size());
        options.done_before = state_.stored(1, plan.size());
        return options;
      });
    }
  }

  // Rows that the engine can run at a good speed.
  int64_t enough() const {
    constexpr int64_t kEnough = 1 << 13;
    return engine_.streams_weights() ? size_.rows() : std::min(kEnough, size_.most());
  }

  // Returns the rows of the documents under the interventions if nothing is shared.
  int64_t add(const std::vector<int64_t>& documents, AskedDocuments& asked) const {
    int64_t rows = 0;
    for (const int64_t d : documents) rows += task_.rows(d);
    asked.documents.insert(asked.documents.end(), documents.begin(), documents.end());
    return rows * std::ssize(asked.interventions);
  }

  // Rounds of what is open, until nothing is.
  void decide() {
    store_.set_decision_terms(options_.decide->terms);
    decisions_.emplace(store_, options_.decide->terms);
    while (!decisions_->open().empty() || refine()) {
      ask(next_rounds(), decisions_->plan(), [&] {
        EvaluateOptions options = evaluate_options("interventions", false);
        options.done_before = decisions_->stored();
        options.total = options.done_before + decisions_->left();
        options.note = text_of(decisions_->counts());
        return options;
      });
      for (const int64_t i : decisions_->advance()) {
        if (options_.on_decided)
          options_.on_decided(decisions_->plan()[static_cast<size_t>(i)], decisions_->of(i));
      }
    }
    decisions_.reset();
  }

  // The next rounds of the open interventions that are least far.
  AskedDocuments next_rounds() const {
    const PlanDecisions::Group group = decisions_->open_groups().front();
    AskedDocuments asked = {group.interventions, {}};
    int64_t rows = 0;
    for (size_t r = group.round; r < decisions_->rounds(group.generation) && rows < enough(); ++r)
      rows += add(decisions_->documents_of(group.generation, r), asked);
    return asked;
  }

  // False if no further share is to be tried.
  bool refine() {
    if (!options_.decide->resolution) return false;
    const std::vector<TriedShare> shares = decisions_->shares_to_try(*options_.decide->resolution);
    if (shares.empty()) return false;
    grow_plan(store_, shares, options_.seed);
    decisions_->grow(store_.plan());
    state_.grow(decisions_->plan().size());
    return true;
  }

  // Runs those of the pairs that are missing. `options` gives what is true before each part of it.
  void ask(const AskedDocuments& asked, const std::vector<StoredIntervention>& plan,
           const std::function<EvaluateOptions()>& options) {
    for (const auto& [numbers, documents] : missing_interventions(asked)) {
      std::vector<Intervention> interventions;
      for (const int64_t i : numbers) interventions.push_back(rule_of(plan[static_cast<size_t>(i)]));
      EvaluateOptions with_means = options();
      if (means_) with_means.means = &*means_;
      evaluate(engine_, task_, documents, interventions, with_means,
               [&, &lacking = numbers](Results results) {
                 for (auto& [number, result] : results) number = lacking[static_cast<size_t>(number)];
                 store(results);
               });
    }
  }

  void store(const Results& results, const OutputSums* outputs = nullptr) {
    store_.add(results, outputs);
    for (const auto& [number, result] : results) {
      state_.done[static_cast<size_t>(number)][static_cast<size_t>(result.document)] = true;
      if (decisions_) decisions_->add(number, result);
    }
  }

  EvaluateOptions evaluate_options(std::string phase, bool with_stats) {
    EvaluateOptions options = {.stats = with_stats, .seed = options_.seed, .progress = options_.progress};
    options.phase = std::move(phase);
    options.size = &size_;
    if (options_.on_estimate) options.on_measured = [this] { options_.on_estimate(estimate()); };
    return options;
  }

  // Interventions that documents lack -> those documents, in order, so that neighbours share rows. What is
  // stored at a time is a cohort or a part of one document, so there are few groups.
  std::map<std::vector<int64_t>, std::vector<int64_t>> missing_interventions(
      const AskedDocuments& asked) const {
    std::map<std::vector<int64_t>, std::vector<int64_t>> groups;
    for (const int64_t d : asked.documents) {
      std::vector<int64_t> lacking;
      for (const int64_t i : asked.interventions) {
        if (state_.is_missing(static_cast<size_t>(i), d)) lacking.push_back(i);
      }
      if (!lacking.empty()) groups[lacking].push_back(d);
    }
    for (auto& [lacking, documents] : groups) std::ranges::sort(documents);
    return groups;
  }

  StudyEstimate estimate() const {
    StudyEstimate estimate;
    int64_t rows = 0, longest = 0;
    for (int64_t d = state_.documents.first; d < state_.documents.end; ++d) {
      int64_t of_document = 0;
      for (size_t i = 0; i < state_.done.size(); ++i) of_document += state_.is_missing(i, d) ? 1 : 0;
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
  const bool by_means_ = ablates_by_means(store_.settings());
  std::optional<HeadMeans> means_;          // what heads that are off give; none: zeros
  std::optional<PlanDecisions> decisions_;  // while deciding
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
