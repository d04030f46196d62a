#include "study/evaluate.h"

#include <algorithm>
#include <optional>

#include "base/error.h"
#include "task/stop.h"

namespace idleheads {
namespace {

struct CohortRange {
  size_t first_document, documents;
  size_t first_intervention, interventions;
};

// Consecutive documents under all interventions as long as they fit even if nothing is shared; a document
// that does not fit so has its interventions in pieces.
std::vector<CohortRange> plan_cohorts(const PreparedTask& task, std::span<const int64_t> documents,
                                      size_t interventions, int64_t cohort_rows) {
  std::vector<CohortRange> ranges;
  for (size_t first = 0; first < documents.size();) {
    const auto rows_of = [&](size_t i) { return task.rows(documents[i]); };
    const int64_t fitting = std::max<int64_t>(1, cohort_rows / rows_of(first));
    if (fitting < static_cast<int64_t>(interventions)) {
      for (size_t i = 0; i < interventions; i += static_cast<size_t>(fitting)) {
        ranges.push_back({first, 1, i, std::min(static_cast<size_t>(fitting), interventions - i)});
      }
      ++first;
      continue;
    }
    size_t count = 0;
    for (int64_t rows = 0; first + count < documents.size(); ++count) {
      rows += rows_of(first + count) * static_cast<int64_t>(interventions);
      if (count > 0 && rows > cohort_rows) break;
    }
    ranges.push_back({first, count, 0, interventions});
    first += count;
  }
  return ranges;
}

using Results = std::vector<std::pair<int64_t, StoredResult>>;

Results collect(const PreparedTask& task, std::span<const int64_t> documents, const CohortRange& range,
                bool stats, std::vector<PathResult> results) {
  Results out;
  size_t sample = 0;
  for (const int64_t number : documents) {
    const EncodedDocument& document = task.documents[static_cast<size_t>(number)];
    for (size_t i = 0; i < range.interventions; ++i) {
      StoredResult stored;
      stored.document = number;
      std::vector<const PathResult*> of_document;
      for (size_t s = 0; s < document.samples.size(); ++s) {
        PathResult& result = results[(sample + s) * range.interventions + i];
        of_document.push_back(&result);
        stored.work.rows += result.work;
        stored.work.rows_unshared +=
            static_cast<int64_t>(document.samples[s].tokens.size()) * result.mask.layers();
        stored.masks.push_back(std::move(result.mask));
        if (stats) stored.stats.push_back(std::move(result.stats));
      }
      Likelihoods likelihoods = likelihoods_of(document, of_document);
      stored.log_likelihoods = std::move(likelihoods.values);
      stored.greedy = std::move(likelihoods.greedy);
      out.emplace_back(static_cast<int64_t>(range.first_intervention + i), std::move(stored));
    }
    sample += document.samples.size();
  }
  return out;
}

Results collect_responses(std::span<const int64_t> documents, const CohortRange& range, bool stats,
                          const StopRule& stop, std::vector<GenerateResult> results) {
  Results out;
  for (size_t d = 0; d < documents.size(); ++d) {
    for (size_t i = 0; i < range.interventions; ++i) {
      GenerateResult& result = results[d * range.interventions + i];
      StoredResult stored;
      stored.document = documents[d];
      stored.response = stop.response(result.tokens);
      for (MaskRun& run : result.masks) {
        stored.masks.push_back(std::move(run.mask));
        stored.passes.push_back(run.passes);
      }
      if (stats) stored.stats.push_back(std::move(result.stats));
      stored.work = {result.work, result.work_unshared};
      out.emplace_back(static_cast<int64_t>(range.first_intervention + i), std::move(stored));
    }
  }
  return out;
}

// What runs a task's cohorts: answers are scored or written.
class CohortRunner {
 public:
  CohortRunner(Engine& engine, const PreparedTask& task, const EvaluateOptions& options)
      : engine_(engine), task_(task), options_(options) {
    if (task.generation) stop_.emplace(engine.model().tokenizer(), task.task.generation.until);
  }

  Results run(std::span<const int64_t> documents, const CohortRange& range,
              std::span<const Intervention> interventions, const std::function<void(double)>& report) {
    return stop_ ? generate(documents, range, interventions, report)
                 : score(documents, range, interventions, report);
  }

 private:
  Results score(std::span<const int64_t> documents, const CohortRange& range,
                std::span<const Intervention> interventions, const std::function<void(double)>& report) {
    std::vector<Sample> samples;
    for (const int64_t number : documents) {
      const auto& of_document = task_.documents[static_cast<size_t>(number)].samples;
      samples.insert(samples.end(), of_document.begin(), of_document.end());
    }
    return collect(task_, documents, range, options_.stats,
                   engine_.run(samples, interventions,
                               {.stats = options_.stats, .seed = options_.seed, .on_layer = report}));
  }

  Results generate(std::span<const int64_t> documents, const CohortRange& range,
                   std::span<const Intervention> interventions, const std::function<void(double)>& report) {
    std::vector<Prompt> prompts;
    for (const int64_t number : documents) {
      const Sample& sample = task_.documents[static_cast<size_t>(number)].samples.at(0);
      prompts.push_back({sample.id, sample.tokens});
    }
    GenerateOptions options;
    options.max_new_tokens = task_.task.generation.max_new_tokens;
    options.end_tokens = task_.generation->end_tokens;
    options.repetition_penalty = task_.generation->repetition_penalty;
    options.enough = [this](std::span<const int32_t> tokens) { return stop_->enough(tokens); };
    options.stats = options_.stats;
    options.seed = options_.seed;
    options.on_progress = report;
    return collect_responses(documents, range, options_.stats, *stop_,
                             engine_.generate(prompts, interventions, options));
  }

  Engine& engine_;
  const PreparedTask& task_;
  const EvaluateOptions& options_;
  std::optional<StopRule> stop_;
};

// What `run` gives, unless the model's files were changed meanwhile: then it may be results of other weights,
// or an error that other weights led to.
Results of_these_weights(const Checkpoint& checkpoint, const std::function<Results()>& run) {
  Results results;
  try {
    results = run();
  } catch (const Interrupted&) {
    throw;
  } catch (const Error&) {
    checkpoint.require_unchanged();
    throw;
  }
  checkpoint.require_unchanged();
  return results;
}

}  // namespace

void evaluate(Engine& engine, const PreparedTask& task, std::span<const int64_t> documents,
              std::span<const Intervention> interventions, const EvaluateOptions& options,
              const CohortCallback& finished) {
  CohortRunner runner(engine, task, options);
  Progress progress = {options.phase, 0, static_cast<double>(documents.size() * interventions.size()), 0};
  for (const CohortRange& range : plan_cohorts(task, documents, interventions.size(), options.cohort_rows)) {
    const auto units = static_cast<double>(range.documents * range.interventions);
    const auto report = [&](double share) {
      if (!options.progress) return;
      const WorkCount work = engine.work();
      const double sharing =
          work.rows > 0 ? static_cast<double>(work.rows_unshared) / static_cast<double>(work.rows) : 0;
      const Progress now = {progress.phase, progress.done + share * units, progress.total, sharing};
      if (!options.progress(now))
        throw Interrupted("stopped; what was finished is stored, the same command goes on");
    };
    finished(of_these_weights(engine.model().checkpoint(), [&] {
      return runner.run(documents.subspan(range.first_document, range.documents), range,
                        interventions.subspan(range.first_intervention, range.interventions), report);
    }));
    progress.done += units;
  }
}

int64_t default_cohort_rows(const Engine& engine) {
  constexpr int64_t kLargest = 1 << 19;  // more gain little speed, and a stopped study would lose more
  constexpr int64_t kTimesInFlight = 8;  // sharing leaves fewer rows than the worst case has
  return std::min(kLargest, kTimesInFlight * std::min(engine.rows(), kLargest));
}

}  // namespace idleheads
