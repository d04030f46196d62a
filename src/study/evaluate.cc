#include "idleheads/study/evaluate.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <numeric>
#include <utility>

#include "base/duration.h"
#include "idleheads/base/error.h"
#include "model/checkpoint.h"
#include "study/cohort_runner.h"

namespace idleheads {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

// Of a document that takes longer than a cohort may. Parts cost few rows more (each a few percent), but where
// weights are streamed, each reads them again.
constexpr int64_t kPartsInTime = 8;

struct CohortRange {
  size_t first_document, documents;
  size_t first_intervention, interventions;
  int64_t rows;  // if nothing were shared
  size_t pairs() const { return documents * interventions; }
};

// Consecutive documents under all interventions as long as they fit even if nothing is shared; a document
// that does not fit into the largest cohort has its interventions in pieces.
class CohortPlan {
 public:
  CohortPlan(const PreparedTask& task, std::span<const int64_t> documents, size_t interventions)
      : task_(task), documents_(documents), interventions_(interventions) {}

  bool is_done() const { return next_document_ == documents_.size(); }

  CohortRange next(const CohortSize& size) {
    const int64_t of_one = rows_of(next_document_);
    const int64_t fitting = std::max<int64_t>(1, size.most() / of_one);
    if (next_intervention_ > 0 || fitting < static_cast<int64_t>(interventions_))
      return piece(static_cast<size_t>(fitting), of_one);
    CohortRange range = {next_document_, 0, 0, interventions_, 0};
    for (; !is_done(); ++next_document_, ++range.documents) {
      const int64_t rows = rows_of(next_document_) * static_cast<int64_t>(interventions_);
      if (range.documents > 0 && range.rows + rows > size.rows()) break;
      range.rows += rows;
    }
    return range;
  }

 private:
  int64_t rows_of(size_t i) const { return task_.rows(documents_[i]); }

  CohortRange piece(size_t fitting, int64_t rows) {
    const size_t count = std::min(fitting, interventions_ - next_intervention_);
    const CohortRange range = {next_document_, 1, next_intervention_, count,
                               rows * static_cast<int64_t>(count)};
    next_intervention_ += count;
    if (next_intervention_ == interventions_) {
      next_intervention_ = 0;
      ++next_document_;
    }
    return range;
  }

  const PreparedTask& task_;
  std::span<const int64_t> documents_;
  size_t interventions_;
  size_t next_document_ = 0, next_intervention_ = 0;
};

// What `run` does, unless the model's files were changed meanwhile: then an error may be one that other
// weights led to.
template <typename Run>
void with_these_weights(const Checkpoint& checkpoint, const Run& run) {
  try {
    run();
  } catch (const Interrupted&) {
    throw;
  } catch (const Error&) {
    checkpoint.require_unchanged();
    throw;
  }
}

// How far an evaluation is, and what of it is not stored.
class Account {
 public:
  Account(const EvaluateOptions& options, size_t pairs) : options_(options) {
    progress_.phase = options.phase;
    progress_.note = options.note;
    progress_.stored = progress_.done = static_cast<double>(options.done_before);
    progress_.total = static_cast<double>(options.total > 0 ? options.total : static_cast<int64_t>(pairs));
    progress_.keeps = options.size != nullptr && !options.size->is_of_any_time();
  }

  void begin(const CohortRange& range) {
    start_ = Clock::now();
    before_ = progress_.stored;
    pairs_ = static_cast<double>(range.pairs());
  }
  void stored(size_t pairs) { progress_.stored += static_cast<double>(pairs); }
  double seconds() const { return seconds_since(start_); }

  // `share` of the cohort's work is done.
  void report(double share, const WorkCount& work) {
    if (!options_.progress) return;
    progress_.done = std::max(progress_.stored, before_ + share * pairs_);
    const double done = progress_.done - before_, lost = progress_.done - progress_.stored;
    progress_.at_stake = done > 0 ? seconds() * lost / done : seconds();
    if (work.rows > 0)
      progress_.sharing = static_cast<double>(work.rows_unshared) / static_cast<double>(work.rows);
    if (options_.progress(progress_)) return;
    throw Interrupted(
        fmt::format("stopped: {:.0f} of {:.0f} results of the {} are stored, {} of work are lost; "
                    "the same command goes on",
                    progress_.stored, progress_.total, progress_.phase, duration(progress_.at_stake)));
  }

 private:
  const EvaluateOptions& options_;
  Progress progress_;
  Clock::time_point start_;
  double before_ = 0, pairs_ = 0;
};

double computed_share(const WorkCount& before, const WorkCount& after) {
  const auto rows = static_cast<double>(after.rows - before.rows);
  const auto unshared = static_cast<double>(after.rows_unshared - before.rows_unshared);
  return unshared > 0 ? rows / unshared : 0;
}

}  // namespace

void evaluate(Engine& engine, const PreparedTask& task, std::span<const int64_t> documents,
              std::span<const Intervention> interventions, const EvaluateOptions& options,
              const std::function<void(Results)>& finished) {
  CohortSize of_any_time = CohortSize::of_any_time(default_cohort_rows(engine));
  CohortSize& size = options.size ? *options.size : of_any_time;
  CohortRunner runner(engine, task);
  CohortPlan plan(task, documents, interventions.size());
  Account account(options, documents.size() * interventions.size());
  const Checkpoint& checkpoint = engine.model().checkpoint();
  while (!plan.is_done()) {
    const CohortRange range = plan.next(size);
    const WorkCount before = engine.work();
    CohortRequest request;
    request.documents = documents.subspan(range.first_document, range.documents);
    request.interventions = interventions.subspan(range.first_intervention, range.interventions);
    request.first_intervention = static_cast<int64_t>(range.first_intervention);
    request.stats = options.stats;
    request.seed = options.seed;
    request.means = options.means;
    request.outputs = options.outputs;
    if (range.documents == 1 && size.seconds_of(range.rows) > size.seconds())
      request.rows_in_flight =
          std::max<int64_t>(1, size.rows_in_time() / (engine.streams_weights() ? 1 : kPartsInTime));
    request.on_progress = [&](double share) { account.report(share, engine.work()); };
    request.on_finished = [&](Results results) {
      checkpoint.require_unchanged();
      const size_t pairs = results.size();
      finished(std::move(results));
      account.stored(pairs);
    };
    account.begin(range);
    with_these_weights(checkpoint, [&] { runner.run(request); });
    const bool first = !size.is_measured();
    size.add(range.rows, computed_share(before, engine.work()), account.seconds());
    if (first && options.on_measured) options.on_measured();
  }
}

std::vector<int64_t> all_documents(const PreparedTask& task) {
  std::vector<int64_t> documents(task.documents.size());
  std::iota(documents.begin(), documents.end(), int64_t{0});
  return documents;
}

int64_t default_cohort_rows(const Engine& engine) {
  constexpr int64_t kLargest = 1 << 19;  // more gain little speed
  constexpr int64_t kTimesInFlight = 8;  // sharing leaves fewer rows than the worst case has
  return std::min(kLargest, kTimesInFlight * std::min(engine.rows(), kLargest));
}

}  // namespace idleheads
