#include "engine/generator.h"

#include <algorithm>
#include <utility>

#include "idleheads/base/error.h"

namespace idleheads {
namespace {

constexpr int64_t kMostPaths = 256;  // rows of a step: more make products no faster

void add_pass(std::vector<MaskRun>& runs, const HeadMask& mask) {
  if (runs.empty() || runs.back().mask != mask) runs.push_back({mask, 0});
  ++runs.back().passes;
}

// The part of a mask that decides what is cached: the last layer's changes the outcome of one token alone.
std::vector<uint8_t> deciding(const HeadMask& mask) {
  std::vector<uint8_t> bits;
  for (int l = 0; l + 1 < mask.layers(); ++l)
    bits.insert(bits.end(), mask.layer(l).begin(), mask.layer(l).end());
  return bits;
}

}  // namespace

Generator::Generator(const EngineParts& parts, std::span<const Prompt> prompts,
                     std::span<const Intervention> interventions, const GenerateOptions& options)
    : parts_(parts),
      prompts_(prompts),
      interventions_(interventions),
      options_(options),
      needed_(needed_for(interventions)),
      results_(prompts.size() * interventions.size()),
      is_finished_(results_.size()) {
  begin();
}

// All results that are not finished wait.
void Generator::begin() {
  sequences_.clear();
  waiting_.clear();
  active_ = active_bytes_ = 0;
  const auto count = static_cast<int32_t>(interventions_.size());
  for (size_t n = 0; n < results_.size(); ++n) {
    if (is_finished_[n]) continue;
    work_.rows_unshared -= results_[n].work_unshared;
    results_[n] = {};
    const int32_t prompt = static_cast<int32_t>(n) / count, intervention = static_cast<int32_t>(n) % count;
    const bool follows = !waiting_.empty() && waiting_.back().prompt == prompt &&
                         waiting_.back().first + waiting_.back().count == intervention;
    if (!follows) waiting_.push_back({prompt, intervention, 0});
    ++waiting_.back().count;
  }
}

std::vector<GenerateResult> Generator::run() {
  if (results_.empty()) return {};
  if (!parts_.sharing || rope_may_change()) {
    run_apart();
    return std::move(results_);
  }
  while (finished_ < std::ssize(results_)) {
    try {
      admit();
      step();
    } catch (const OutOfMemory&) {
      divide_after_failure();
    }
    report();
  }
  return std::move(results_);
}

// Called where OutOfMemory was caught. What has not ended begins again, fewer at a time.
void Generator::divide_after_failure() {
  if (active_ < 2) throw;
  int64_t longest = 0;
  for (const Prompt& prompt : prompts_) longest = std::max<int64_t>(longest, std::ssize(prompt.tokens));
  const int64_t bytes = std::min(parts_.limits.cache_bytes, active_bytes_) / 2;
  const int64_t rows = bytes / parts_.backend.cached_bytes(cache_contents());
  parts_.limits.cache_bytes = bytes;
  parts_.limits.rows = std::max(longest + options_.max_new_tokens, std::min(parts_.limits.rows, rows));
  parts_.backend.release();
  begin();
}

void Generator::run_apart() {
  for (size_t n = 0; n < results_.size(); ++n) {
    const auto prompt = static_cast<int32_t>(n / interventions_.size());
    const auto intervention = static_cast<int32_t>(n % interventions_.size());
    std::vector<int32_t> tokens = prompts_[static_cast<size_t>(prompt)].tokens;
    for (bool goes_on = true; goes_on; tokens.push_back(results_[n].tokens.back())) {
      const Sample sample = sample_of(prompt, tokens);
      const PathSpec path = {0, intervention};
      const bool first = results_[n].tokens.empty();
      ForwardPass pass(parts_, {&sample, 1}, interventions_, {&path, 1},
                       run_options(options_.stats && first));
      const PathResult result = pass.run()[0];
      work_.rows += pass.work().rows;
      goes_on = accept(prompt, intervention, tokens, result);
    }
    report();
  }
}

// Whether a sequence may come to turn otherwise as it grows, which concerns all its rows.
bool Generator::rope_may_change() const {
  const ModelSpec& spec = parts_.model.spec();
  return std::ranges::any_of(prompts_, [&](const Prompt& prompt) {
    const int64_t tokens = std::ssize(prompt.tokens);
    return spec.rope_length(tokens) != spec.rope_length(tokens + options_.max_new_tokens);
  });
}

// Lets prompts begin as far as there is memory for them.
void Generator::admit() {
  std::vector<Sequence> sources;
  std::vector<const Sequence*> list;
  for (const Part& part : next_parts()) {
    Sequence source{part.prompt, {}, prompts_[static_cast<size_t>(part.prompt)].tokens, {}};
    for (int32_t i = 0; i < part.count; ++i) source.interventions.push_back(part.first + i);
    sources.push_back(std::move(source));
  }
  if (sources.empty()) return;
  for (const Sequence& source : sources) list.push_back(&source);
  StartFrom start;
  start.reserve_tokens = options_.max_new_tokens;
  place(list, forward(list, options_.stats, start));
}

// A forward pass of the sequences under their interventions, in order.
Generator::Outcome Generator::forward(std::span<const Sequence* const> sequences, bool stats,
                                      StartFrom start) {
  std::vector<Sample> samples;
  std::vector<PathSpec> paths;
  for (const Sequence* sequence : sequences) {
    for (const int32_t i : sequence->interventions)
      paths.push_back({static_cast<int32_t>(samples.size()), i});
    samples.push_back(sample_of(sequence->prompt, sequence->tokens));
  }
  start.contents = cache_contents();
  ForwardPass pass(parts_, samples, interventions_, paths, run_options(stats), &start);
  Outcome outcome;
  outcome.results = pass.run();
  outcome.caches = pass.take_caches();
  outcome.mask_changes = pass.mask_changes();
  work_.rows += pass.work().rows;
  return outcome;
}

// In order; as many as there is memory for, and one at least if nothing else runs.
std::vector<Generator::Part> Generator::next_parts() {
  const int64_t most = std::min(kMostPaths, parts_.limits.rows);
  std::vector<Part> parts;
  while (!waiting_.empty()) {
    Part& next = waiting_.front();
    const int64_t bytes = path_bytes(next.prompt);
    int64_t fitting = std::min((parts_.limits.cache_bytes - active_bytes_) / bytes, most - active_);
    if (active_ == 0) fitting = std::max<int64_t>(fitting, 1);
    const auto count = static_cast<int32_t>(std::min<int64_t>(fitting, next.count));
    if (count <= 0) break;
    parts.push_back({next.prompt, next.first, count});
    active_ += count;
    active_bytes_ += count * bytes;
    next.first += count;
    next.count -= count;
    if (next.count == 0) waiting_.pop_front();
  }
  return parts;
}

// The results of the sources' interventions, in order, become sequences.
void Generator::place(std::span<const Sequence* const> sources, Outcome outcome) {
  size_t n = 0;
  for (const Sequence* source : sources) {
    std::map<std::pair<int32_t, std::vector<uint8_t>>, size_t> places;  // next token, masks -> sequence
    for (const int32_t intervention : source->interventions) {
      PathResult& result = outcome.results[n];
      SequenceCache& cache = outcome.caches[n++];
      if (!accept(source->prompt, intervention, source->tokens, result)) continue;
      const int32_t token = result_of(source->prompt, intervention).tokens.back();
      const auto [place, is_new] = places.try_emplace({token, deciding(result.mask)}, sequences_.size());
      if (is_new) {
        Sequence sequence{source->prompt, {}, source->tokens, std::move(cache)};
        sequence.tokens.push_back(token);
        sequence.cache.mask = result.mask;
        sequences_.push_back(std::move(sequence));
      }
      sequences_[place->second].interventions.push_back(intervention);
    }
  }
}

// Appends every sequence's last token.
void Generator::step() {
  if (sequences_.empty()) return;
  std::vector<Sequence> sequences = std::exchange(sequences_, {});
  std::vector<const Sequence*> list;
  std::vector<SequenceCache*> caches;
  for (Sequence& sequence : sequences) {
    list.push_back(&sequence);
    caches.push_back(&sequence.cache);
  }
  StartFrom start;
  start.where = StartFrom::Where::cache;
  start.caches = caches;
  Outcome outcome = forward(list, false, start);
  std::vector<int> changed_at(outcome.results.size(), -1);  // layer of a path's mask change
  for (const ForwardPass::MaskChange& change : outcome.mask_changes)
    changed_at[static_cast<size_t>(change.path)] = change.layer;
  std::vector<Change> changes;
  size_t first = 0;
  for (Sequence& sequence : sequences) {
    const size_t count = sequence.interventions.size();
    advance(std::move(sequence), std::span(outcome.results).subspan(first, count),
            std::span(changed_at).subspan(first, count), changes);
    first += count;
  }
  recompute(std::move(changes));
}

// Divides a sequence by what has become of its interventions: the next token, or the layer where their masks
// have changed.
void Generator::advance(Sequence sequence, std::span<PathResult> results, std::span<const int> changed_at,
                        std::vector<Change>& changes) {
  std::map<int, std::vector<int32_t>> by_layer;
  std::map<int32_t, std::vector<int32_t>> by_token;
  for (size_t n = 0; n < results.size(); ++n) {
    const int32_t i = sequence.interventions[n];
    if (changed_at[n] >= 0) {
      result_of(sequence.prompt, i).work += results[n].work;
      by_layer[changed_at[n]].push_back(i);
    } else if (accept(sequence.prompt, i, sequence.tokens, results[n])) {
      by_token[result_of(sequence.prompt, i).tokens.back()].push_back(i);
    }
  }
  sequence.cache.tokens = std::ssize(sequence.tokens);
  for (auto& [layer, interventions] : by_layer) {
    Change change = {layer, {sequence.prompt, std::move(interventions), sequence.tokens, sequence.cache}};
    change.sequence.cache.layers.resize(static_cast<size_t>(layer) + 1);  // those above are computed again
    changes.push_back(std::move(change));
  }
  for (auto& [token, interventions] : by_token) {
    Sequence next{sequence.prompt, std::move(interventions), sequence.tokens, sequence.cache};
    next.tokens.push_back(token);
    sequences_.push_back(std::move(next));
  }
}

// From the layer of the change on; as many of one layer together as there is memory for.
void Generator::recompute(std::vector<Change> changes) {
  std::ranges::stable_sort(changes, {}, &Change::layer);
  for (size_t first = 0, end = 0; first < changes.size(); first = end) {
    std::vector<const Sequence*> list;
    std::vector<SequenceCache*> caches;
    StartFrom start;
    start.where = StartFrom::Where::layer;
    start.layer = changes[first].layer;
    start.reserve_tokens = options_.max_new_tokens;
    for (int64_t rows = 0; end < changes.size() && changes[end].layer == start.layer; ++end) {
      Sequence& sequence = changes[end].sequence;
      rows += std::ssize(sequence.tokens);
      if (end > first && rows > parts_.limits.rows) break;
      list.push_back(&sequence);
      caches.push_back(&sequence.cache);
    }
    start.caches = caches;
    place(list, forward(list, false, start));
  }
}

// Notes a pass and the token it gives; false if it was the path's last.
bool Generator::accept(int32_t prompt, int32_t intervention, std::span<const int32_t> tokens,
                       const PathResult& path) {
  GenerateResult& result = result_of(prompt, intervention);
  const int64_t unshared = static_cast<int64_t>(tokens.size()) * path.mask.layers();
  add_pass(result.masks, path.mask);
  result.work += path.work;
  result.work_unshared += unshared;
  work_.rows_unshared += unshared;
  if (options_.stats && result.tokens.empty()) result.stats = path.stats;
  result.tokens.push_back(path.next_token);
  const bool ends = std::ranges::count(options_.end_tokens, result.tokens.back()) > 0 ||
                    static_cast<int>(result.tokens.size()) >= options_.max_new_tokens ||
                    (options_.enough && options_.enough(result.tokens));
  if (!ends) return true;
  ++finished_;
  is_finished_[static_cast<size_t>(&result - results_.data())] = true;
  --active_;
  active_bytes_ -= path_bytes(prompt);
  return false;
}

RunOptions Generator::run_options(bool stats) const {
  RunOptions options;
  options.stats = stats;
  options.seed = options_.seed;
  options.repetition_penalty = options_.repetition_penalty;
  options.means = options_.means;
  return options;
}

Sample Generator::sample_of(int32_t prompt, std::span<const int32_t> tokens) const {
  Sample sample;
  sample.id = prompts_[static_cast<size_t>(prompt)].id;
  sample.tokens.assign(tokens.begin(), tokens.end());
  sample.want_next_token = true;
  return sample;
}

GenerateResult& Generator::result_of(int32_t prompt, int32_t intervention) {
  return results_[static_cast<size_t>(prompt) * interventions_.size() + static_cast<size_t>(intervention)];
}

// What is cached of a path at its longest, if it shares nothing.
int64_t Generator::path_bytes(int32_t prompt) const {
  const int64_t tokens = std::ssize(prompts_[static_cast<size_t>(prompt)].tokens) + options_.max_new_tokens;
  return tokens * parts_.backend.cached_bytes(cache_contents());
}

// Masks that depend on statistics may change with every token.
CacheContents Generator::cache_contents() const {
  return {.inputs = needed_ != Measure::nothing, .columns = needed_ == Measure::columns};
}

void Generator::report() const {
  if (!options_.on_progress) return;
  double done = static_cast<double>(finished_);
  for (const Sequence& sequence : sequences_) {
    const size_t prompt = prompts_[static_cast<size_t>(sequence.prompt)].tokens.size();
    done += static_cast<double>(sequence.interventions.size() * (sequence.tokens.size() - prompt)) /
            options_.max_new_tokens;
  }
  options_.on_progress(done / static_cast<double>(results_.size()));
}

}  // namespace idleheads
