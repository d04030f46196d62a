#include "study/evaluate.h"

#include <algorithm>

#include "base/error.h"

namespace idleheads {
namespace {

struct CohortRange {
  size_t first_document, documents;
  size_t first_intervention, interventions;
};

int64_t tokens_of(const EncodedDocument& document) {
  int64_t tokens = 0;
  for (const Sample& sample : document.samples) tokens += static_cast<int64_t>(sample.tokens.size());
  return tokens;
}

// Consecutive documents under all interventions as long as they fit even if nothing is shared; a document
// that does not fit so has its interventions in pieces.
std::vector<CohortRange> plan_cohorts(const PreparedTask& task, std::span<const int64_t> documents,
                                      size_t interventions, int64_t cohort_rows) {
  std::vector<CohortRange> ranges;
  for (size_t first = 0; first < documents.size();) {
    const auto tokens = [&](size_t i) {
      return tokens_of(task.documents[static_cast<size_t>(documents[i])]);
    };
    const int64_t fitting = std::max<int64_t>(1, cohort_rows / tokens(first));
    if (fitting < static_cast<int64_t>(interventions)) {
      for (size_t i = 0; i < interventions; i += static_cast<size_t>(fitting)) {
        ranges.push_back({first, 1, i, std::min(static_cast<size_t>(fitting), interventions - i)});
      }
      ++first;
      continue;
    }
    size_t count = 0;
    for (int64_t rows = 0; first + count < documents.size(); ++count) {
      rows += tokens(first + count) * static_cast<int64_t>(interventions);
      if (count > 0 && rows > cohort_rows) break;
    }
    ranges.push_back({first, count, 0, interventions});
    first += count;
  }
  return ranges;
}

std::vector<std::pair<int64_t, StoredResult>> collect(const PreparedTask& task,
                                                      std::span<const int64_t> documents,
                                                      const CohortRange& range, bool stats,
                                                      std::vector<PathResult> results) {
  std::vector<std::pair<int64_t, StoredResult>> out;
  size_t sample = 0;
  for (const int64_t number : documents.subspan(range.first_document, range.documents)) {
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
      stored.log_likelihoods = choice_log_likelihoods(document, of_document);
      out.emplace_back(static_cast<int64_t>(range.first_intervention + i), std::move(stored));
    }
    sample += document.samples.size();
  }
  return out;
}

}  // namespace

void evaluate(Engine& engine, const PreparedTask& task, std::span<const int64_t> documents,
              std::span<const Intervention> interventions, const EvaluateOptions& options,
              const CohortCallback& finished) {
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
    std::vector<Sample> samples;
    for (const int64_t number : documents.subspan(range.first_document, range.documents)) {
      const auto& of_document = task.documents[static_cast<size_t>(number)].samples;
      samples.insert(samples.end(), of_document.begin(), of_document.end());
    }
    std::vector<PathResult> results =
        engine.run(samples, interventions.subspan(range.first_intervention, range.interventions),
                   {.stats = options.stats, .seed = options.seed, .on_layer = report});
    finished(collect(task, documents, range, options.stats, std::move(results)));
    progress.done += units;
  }
}

int64_t default_cohort_rows(const Engine& engine) {
  constexpr int64_t kLargest = 1 << 19;  // more gain little speed, and a stopped study would lose more
  constexpr int64_t kTimesInFlight = 8;  // sharing leaves fewer rows than the worst case has
  return std::min(kLargest, kTimesInFlight * std::min(engine.rows(), kLargest));
}

}  // namespace idleheads
