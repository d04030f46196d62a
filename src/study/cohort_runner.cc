#include "study/cohort_runner.h"

#include <numeric>

namespace idleheads {
namespace {

// Results of documents from those of their samples, as soon as all samples of a document have one.
class Collector {
 public:
  Collector(const PreparedTask& task, const CohortRequest& request)
      : task_(task), request_(request), interventions_(static_cast<int64_t>(request.interventions.size())) {
    for (size_t d = 0; d < request.documents.size(); ++d) {
      const auto samples = static_cast<int64_t>(document(d).samples.size());
      first_samples_.push_back(static_cast<int64_t>(document_of_.size()));
      document_of_.insert(document_of_.end(), static_cast<size_t>(samples), d);
      missing_.insert(missing_.end(), request.interventions.size(), samples);
    }
  }

  std::vector<Sample> samples() const {
    std::vector<Sample> out;
    for (size_t d = 0; d < request_.documents.size(); ++d)
      out.insert(out.end(), document(d).samples.begin(), document(d).samples.end());
    return out;
  }

  // What is complete with these paths, sample * interventions + intervention.
  Results take(std::span<const int64_t> paths, std::span<PathResult> results) {
    Results out;
    for (const int64_t path : paths) {
      const size_t d = document_of_[static_cast<size_t>(path / interventions_)];
      const int64_t intervention = path % interventions_;
      const size_t place = d * request_.interventions.size() + static_cast<size_t>(intervention);
      if (--missing_[place] > 0) continue;
      out.emplace_back(request_.first_intervention + intervention, result_of(d, intervention, results));
    }
    return out;
  }

 private:
  const EncodedDocument& document(size_t d) const {
    return task_.documents[static_cast<size_t>(request_.documents[d])];
  }

  StoredResult result_of(size_t d, int64_t intervention, std::span<PathResult> results) const {
    StoredResult stored;
    stored.document = request_.documents[d];
    std::vector<const PathResult*> of_document;
    for (size_t s = 0; s < document(d).samples.size(); ++s) {
      const int64_t sample = first_samples_[d] + static_cast<int64_t>(s);
      PathResult& result = results[static_cast<size_t>(sample * interventions_ + intervention)];
      of_document.push_back(&result);
      stored.work.rows += result.work;
      stored.work.rows_unshared +=
          static_cast<int64_t>(document(d).samples[s].tokens.size()) * result.mask.layers();
      stored.masks.push_back(std::move(result.mask));
      if (request_.stats) stored.stats.push_back(std::move(result.stats));
    }
    Likelihoods likelihoods = likelihoods_of(document(d), of_document);
    stored.log_likelihoods = std::move(likelihoods.values);
    stored.greedy = std::move(likelihoods.greedy);
    return stored;
  }

  const PreparedTask& task_;
  const CohortRequest& request_;
  const int64_t interventions_;
  std::vector<int64_t> first_samples_;  // by document of the request
  std::vector<size_t> document_of_;     // by sample
  std::vector<int64_t> missing_;        // samples, by document and intervention
};

StoredResult stored_response(int64_t document, const StopRule& stop, bool stats, GenerateResult& result) {
  StoredResult stored;
  stored.document = document;
  stored.response = stop.response(result.tokens);
  for (MaskRun& run : result.masks) {
    stored.masks.push_back(std::move(run.mask));
    stored.passes.push_back(run.passes);
  }
  if (stats) stored.stats.push_back(std::move(result.stats));
  stored.work = {result.work, result.work_unshared};
  return stored;
}

}  // namespace

CohortRunner::CohortRunner(Engine& engine, const PreparedTask& task) : engine_(engine), task_(task) {
  if (task.generation) stop_.emplace(engine.model().tokenizer(), task.task.generation.until);
}

void CohortRunner::run(const CohortRequest& request) { stop_ ? generate(request) : score(request); }

void CohortRunner::score(const CohortRequest& request) {
  Collector collector(task_, request);
  RunOptions options = {.stats = request.stats, .seed = request.seed, .on_layer = request.on_progress};
  options.rows = request.rows_in_flight;
  options.means = request.means;
  options.outputs = request.outputs;
  const auto give = [&](std::span<const int64_t> paths, std::span<PathResult> results) {
    Results complete = collector.take(paths, results);
    if (!complete.empty()) request.on_finished(std::move(complete));
  };
  if (!request.outputs) options.on_finished = give;
  std::vector<PathResult> results = engine_.run(collector.samples(), request.interventions, options);
  if (!request.outputs) return;
  std::vector<int64_t> all(results.size());
  std::iota(all.begin(), all.end(), 0);
  give(all, results);
}

// Of the prompts, in a pass of their own.
void CohortRunner::add_outputs(const CohortRequest& request) {
  std::vector<Sample> samples;
  for (const int64_t number : request.documents)
    samples.push_back(task_.documents[static_cast<size_t>(number)].samples.at(0));
  const std::vector<Intervention> none = {std::monostate{}};
  engine_.run(samples, none, {.outputs = request.outputs});
}

void CohortRunner::generate(const CohortRequest& request) {
  std::vector<Prompt> prompts;
  for (const int64_t number : request.documents) {
    const Sample& sample = task_.documents[static_cast<size_t>(number)].samples.at(0);
    prompts.push_back({sample.id, sample.tokens});
  }
  GenerateOptions options;
  options.max_new_tokens = task_.task.generation.max_new_tokens;
  options.end_tokens = task_.generation->end_tokens;
  options.repetition_penalty = task_.generation->repetition_penalty;
  options.enough = [this](std::span<const int32_t> tokens) { return stop_->enough(tokens); };
  options.stats = request.stats;
  options.seed = request.seed;
  options.means = request.means;
  options.on_progress = request.on_progress;
  std::vector<GenerateResult> results = engine_.generate(prompts, request.interventions, options);
  if (request.outputs) add_outputs(request);
  Results out;
  const size_t interventions = request.interventions.size();
  for (size_t n = 0; n < results.size(); ++n) {
    out.emplace_back(
        request.first_intervention + static_cast<int64_t>(n % interventions),
        stored_response(request.documents[n / interventions], *stop_, request.stats, results[n]));
  }
  request.on_finished(std::move(out));
}

}  // namespace idleheads
