#include "engine/generator.h"

#include <algorithm>
#include <utility>

namespace idleheads {
namespace {

constexpr int64_t kMostPaths = 256;  // rows of a step: more make products no faster

void add_pass(std::vector<MaskRun>& runs, const HeadMask& mask) {
  if (runs.empty() || runs.back().mask != mask) runs.push_back({mask, 0});
  ++runs.back().passes;
}

// The part of a mask that decides what is kept: the last layer's changes the outcome of one token alone.
std::vector<uint8_t> deciding(const HeadMask& mask) {
  std::vector<uint8_t> bits;
  for (int l = 0; l + 1 < mask.layers(); ++l)
    bits.insert(bits.end(), mask.layer(l).begin(), mask.layer(l).end());
  return bits;
}

}  // namespace

Generator::Generator(const EngineParts& parts, int64_t kept_bytes, std::span<const Prompt> prompts,
                     std::span<const Intervention> interventions, const GenerateOptions& options)
    : parts_(parts),
      kept_bytes_(kept_bytes),
      prompts_(prompts),
      interventions_(interventions),
      options_(options),
      masks_change_(std::ranges::any_of(interventions, needs_statistics)),
      results_(prompts.size() * interventions.size()) {}

std::vector<GenerateResult> Generator::run() {
  if (results_.empty()) return {};
  if (!parts_.sharing) {
    run_apart();
    return std::move(results_);
  }
  while (finished_ < static_cast<int64_t>(results_.size())) {
    admit();
    step();
    report();
  }
  return std::move(results_);
}

void Generator::run_apart() {
  for (size_t n = 0; n < results_.size(); ++n) {
    const auto prompt = static_cast<int32_t>(n / interventions_.size());
    const auto intervention = static_cast<int32_t>(n % interventions_.size());
    std::vector<int32_t> tokens = prompts_[static_cast<size_t>(prompt)].tokens;
    for (bool goes_on = true; goes_on; tokens.push_back(results_[n].tokens.back())) {
      const Sample sample = sample_of(prompt, tokens);
      const bool first = results_[n].tokens.empty();
      Descent descent(parts_, {&sample, 1}, interventions_.subspan(static_cast<size_t>(intervention), 1),
                      run_options(options_.stats && first));
      goes_on = accept(prompt, intervention, tokens, descend(descent)[0]);
    }
    report();
  }
}

// Lets prompts begin as far as there is memory for them.
void Generator::admit() {
  const std::vector<Part> parts = next_parts();
  for (size_t first = 0; first < parts.size();) {
    size_t end = first + 1;
    while (end < parts.size() && parts[end].first == parts[first].first &&
           parts[end].count == parts[first].count)
      ++end;
    begin(std::span(parts).subspan(first, end - first));
    first = end;
  }
}

// In order; as many as there is memory for, and one at least if nothing else runs.
std::vector<Generator::Part> Generator::next_parts() {
  const int64_t most = std::min(kMostPaths, parts_.limits.rows);
  std::vector<Part> parts;
  while (next_.prompt < static_cast<int32_t>(prompts_.size())) {
    const int64_t bytes = path_bytes(next_.prompt);
    int64_t fitting = std::min((kept_bytes_ - active_bytes_) / bytes, most - active_);
    if (active_ == 0) fitting = std::max<int64_t>(fitting, 1);
    const auto left = static_cast<int64_t>(interventions_.size()) - next_.first;
    const auto count = static_cast<int32_t>(std::min(fitting, left));
    if (count <= 0) break;
    parts.push_back({next_.prompt, next_.first, count});
    active_ += count;
    active_bytes_ += count * bytes;
    next_.first += count;
    if (count == left) next_ = {next_.prompt + 1, 0, 0};
  }
  return parts;
}

// All of them have the same interventions.
void Generator::begin(std::span<const Part> parts) {
  const Part& part = parts.front();
  std::vector<Sample> samples;
  std::vector<Stream> sources;
  for (const Part& p : parts) {
    const std::vector<int32_t>& tokens = prompts_[static_cast<size_t>(p.prompt)].tokens;
    samples.push_back(sample_of(p.prompt, tokens));
    Stream source{p.prompt, {}, tokens, {}};
    for (int32_t i = 0; i < p.count; ++i) source.interventions.push_back(p.first + i);
    sources.push_back(std::move(source));
  }
  Beginning beginning;
  beginning.room = options_.max_new_tokens;
  beginning.keep_hidden = masks_change_;
  Descent descent(parts_, samples,
                  interventions_.subspan(static_cast<size_t>(part.first), static_cast<size_t>(part.count)),
                  run_options(options_.stats), &beginning);
  std::vector<PathResult> results = descend(descent);
  place(sources, std::move(results), descent.take_kept());
}

// The results of every source's interventions, in order, become streams.
void Generator::place(const std::vector<Stream>& sources, std::vector<PathResult> results,
                      std::vector<KeptPath> kept) {
  size_t n = 0;
  for (const Stream& source : sources) {
    std::map<std::pair<int32_t, std::vector<uint8_t>>, size_t> places;  // next token, masks -> stream
    for (const int32_t intervention : source.interventions) {
      PathResult& result = results[n];
      KeptPath& of_path = kept[n++];
      if (!accept(source.prompt, intervention, source.tokens, result)) continue;
      const int32_t token = result_of(source.prompt, intervention).tokens.back();
      const auto [place, is_new] = places.try_emplace({token, deciding(result.mask)}, streams_.size());
      if (is_new) {
        Stream stream{source.prompt, {}, source.tokens, std::move(of_path)};
        stream.tokens.push_back(token);
        stream.kept.mask = result.mask;
        streams_.push_back(std::move(stream));
      }
      streams_[place->second].interventions.push_back(intervention);
    }
  }
}

// Every stream's last token goes down behind what is kept.
void Generator::step() {
  if (streams_.empty()) return;
  std::vector<Stream> streams = std::exchange(streams_, {});
  std::vector<Sample> samples;
  std::vector<KeptPath*> kept;
  Beginning beginning;
  beginning.where = Beginning::Where::behind;
  beginning.keep_hidden = masks_change_;
  const auto count = static_cast<int32_t>(interventions_.size());
  for (Stream& stream : streams) {
    const auto number = static_cast<int32_t>(samples.size());
    for (const int32_t i : stream.interventions) beginning.paths.push_back(number * count + i);
    samples.push_back(sample_of(stream.prompt, stream.tokens));
    kept.push_back(&stream.kept);
  }
  beginning.kept = kept;
  Descent descent(parts_, samples, interventions_, run_options(false), &beginning);
  std::vector<PathResult> results = descend(descent);

  std::vector<int> left(results.size(), -1);  // the layer where a path has left
  for (const Descent::Departure& departure : descent.departures())
    left[static_cast<size_t>(departure.path)] = departure.layer;
  std::vector<Change> changes;
  for (size_t s = 0; s < streams.size(); ++s) {
    const size_t first = s * static_cast<size_t>(count);
    advance(std::move(streams[s]), std::span(results).subspan(first, static_cast<size_t>(count)),
            std::span(left).subspan(first, static_cast<size_t>(count)), changes);
  }
  recompute(std::move(changes));
}

// Divides a stream by what has become of its interventions: the next token, or the layer where they have
// left.
void Generator::advance(Stream stream, std::span<PathResult> results, std::span<const int> left,
                        std::vector<Change>& changes) {
  std::map<int, std::vector<int32_t>> by_layer;
  std::map<int32_t, std::vector<int32_t>> by_token;
  for (const int32_t i : stream.interventions) {
    PathResult& result = results[static_cast<size_t>(i)];
    if (const int layer = left[static_cast<size_t>(i)]; layer >= 0) {
      result_of(stream.prompt, i).work += result.work;
      by_layer[layer].push_back(i);
    } else if (accept(stream.prompt, i, stream.tokens, result)) {
      by_token[result_of(stream.prompt, i).tokens.back()].push_back(i);
    }
  }
  stream.kept.rows = static_cast<int64_t>(stream.tokens.size());
  for (auto& [layer, interventions] : by_layer) {
    Change change = {layer, {stream.prompt, std::move(interventions), stream.tokens, stream.kept}};
    change.stream.kept.layers.resize(static_cast<size_t>(layer) + 1);  // those above are computed again
    changes.push_back(std::move(change));
  }
  for (auto& [token, interventions] : by_token) {
    Stream next{stream.prompt, std::move(interventions), stream.tokens, stream.kept};
    next.tokens.push_back(token);
    streams_.push_back(std::move(next));
  }
}

void Generator::recompute(std::vector<Change> changes) {
  std::ranges::stable_sort(changes, {}, &Change::layer);
  for (size_t first = 0; first < changes.size();) {
    size_t end = first;
    for (int64_t rows = 0; end < changes.size() && changes[end].layer == changes[first].layer; ++end) {
      rows += static_cast<int64_t>(changes[end].stream.tokens.size());
      if (end > first && rows > parts_.limits.rows) break;
    }
    recompute_at(changes[first].layer, std::span(changes).subspan(first, end - first));
    first = end;
  }
}

void Generator::recompute_at(int layer, std::span<Change> changes) {
  std::vector<Sample> samples;
  std::vector<KeptPath*> kept;
  Beginning beginning;
  beginning.where = Beginning::Where::layer;
  beginning.layer = layer;
  beginning.room = options_.max_new_tokens;
  beginning.keep_hidden = masks_change_;
  const auto count = static_cast<int32_t>(interventions_.size());
  for (Change& change : changes) {
    const auto number = static_cast<int32_t>(samples.size());
    for (const int32_t i : change.stream.interventions) beginning.paths.push_back(number * count + i);
    samples.push_back(sample_of(change.stream.prompt, change.stream.tokens));
    kept.push_back(&change.stream.kept);
  }
  beginning.kept = kept;
  Descent descent(parts_, samples, interventions_, run_options(false), &beginning);
  std::vector<PathResult> all = descend(descent);
  std::vector<KeptPath> all_kept = descent.take_kept();
  std::vector<PathResult> results;
  std::vector<KeptPath> results_kept;
  for (const int32_t number : beginning.paths) {
    results.push_back(std::move(all[static_cast<size_t>(number)]));
    results_kept.push_back(std::move(all_kept[static_cast<size_t>(number)]));
  }
  std::vector<Stream> sources;
  for (Change& change : changes) sources.push_back(std::move(change.stream));
  place(sources, std::move(results), std::move(results_kept));
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
  if (parts_.sharing) {
    --active_;
    active_bytes_ -= path_bytes(prompt);
  }
  return false;
}

std::vector<PathResult> Generator::descend(Descent& descent) {
  std::vector<PathResult> results = descent.run();
  work_.rows += descent.work().rows;
  return results;
}

RunOptions Generator::run_options(bool stats) const {
  RunOptions options;
  options.stats = stats;
  options.seed = options_.seed;
  options.repetition_penalty = options_.repetition_penalty;
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

// What is kept of a path at its longest, if it shares nothing.
int64_t Generator::path_bytes(int32_t prompt) const {
  const ModelConfig& c = parts_.model.config();
  const auto tokens =
      static_cast<int64_t>(prompts_[static_cast<size_t>(prompt)].tokens.size()) + options_.max_new_tokens;
  const int64_t row = c.kv_heads * cached_bytes(c.head_dim, parts_.weights.bf16_attention) +
                      (masks_change_ ? c.hidden * static_cast<int64_t>(sizeof(float)) : 0);
  return tokens * row * c.layers;
}

void Generator::report() const {
  if (!options_.on_progress) return;
  double done = static_cast<double>(finished_);
  for (const Stream& stream : streams_) {
    const size_t prompt = prompts_[static_cast<size_t>(stream.prompt)].tokens.size();
    done += static_cast<double>(stream.interventions.size() * (stream.tokens.size() - prompt)) /
            options_.max_new_tokens;
  }
  options_.on_progress(done / static_cast<double>(results_.size()));
}

}  // namespace idleheads
