#include "engine/forward_pass.h"

#include <algorithm>

#include "engine/head_grid.h"
#include "idleheads/base/error.h"

namespace idleheads {
namespace {

RowBatch first_batch(const EngineParts& parts, std::span<const Sample> samples,
                     std::span<const PathSpec> paths, const StartFrom* start) {
  std::vector<int64_t> rope_lengths;
  for (const Sample& sample : samples)
    rope_lengths.push_back(parts.model.spec().rope_length(std::ssize(sample.tokens)));
  if (!parts.sharing) return RowBatch::separate(separate_paths(samples, rope_lengths, paths), paths);
  if (!start || start->where == StartFrom::Where::prompt)
    return {build_token_tree(samples, rope_lengths), paths};
  // What is cached of a sample is its own.
  std::vector<int64_t> begins;
  for (const SequenceCache* cache : start->caches)
    begins.push_back(start->where == StartFrom::Where::cache ? cache->tokens : 0);
  return {own_segments(samples, rope_lengths, begins), paths};
}

}  // namespace

Measure needed_for(std::span<const Intervention> interventions) {
  Measure measure = Measure::nothing;
  for (const Intervention& intervention : interventions) {
    const auto* rule = std::get_if<ScoreRule>(&intervention);
    if (rule == nullptr || rule->score->is_random) continue;
    measure = std::max(measure, is_of_columns(rule->score->numerator) ? Measure::columns : Measure::rows);
  }
  return measure;
}

ForwardPass::ForwardPass(const EngineParts& parts, std::span<const Sample> samples,
                         std::span<const Intervention> interventions, std::span<const PathSpec> paths,
                         const RunOptions& options, const StartFrom* start)
    : spec_(parts.model.spec()),
      shape_(head_shape(spec_)),
      backend_(parts.backend),
      pool_(parts.pool),
      limits_(parts.limits),
      samples_(samples),
      interventions_(interventions),
      options_(options),
      start_(start),
      measure_(options.stats ? Measure::columns : needed_for(interventions)),
      together_(options.rows > 0 ? RowBatch::Together::interventions : RowBatch::Together::sharing),
      all_(first_batch(parts, samples, paths, start)),
      batch_(all_) {
  begin();
}

void ForwardPass::begin() {
  results_.resize(all_.paths().size());
  Suspended first = {.batch = all_, .layer = 0, .rows = nullptr};
  if (start_) begin_caches(first);
  if (options_.outputs) begin_outputs();
  begin_attention();
  for (PathResult& result : results_) {
    if (result.mask.layers() == 0) result.mask = HeadMask(shape_);
    if (options_.stats) result.stats = SampleStats(spec_.layer_count(), spec_.heads());
  }
  work_.rows_unshared = all_.rows_unshared() * spec_.layer_count();
  waiting_rows_ = first.rows ? first.rows->rows : 0;
  suspended_.push_back(std::move(first));
}

std::vector<PathResult> ForwardPass::run() {
  while (!suspended_.empty()) {
    try {
      run_layers();
    } catch (const OutOfMemory&) {
      divide_after_failure();
    }
  }
  return std::move(results_);
}

void ForwardPass::run_layers() {
  const int layers = spec_.layer_count();
  const auto path_layers = static_cast<double>(results_.size()) * layers;
  for (int l = resume(); l < layers; ++l) {
    layer_ = l;
    backend_.begin_layer(l, runs(l), measure_);
    backend_.project();
    if (start_) append_rows(l);
    if (!options_.attention.empty()) keep_attention(l);
    backend_.attend();
    if (measure_ != Measure::nothing) sum_statistics(l);
    if (options_.outputs) add_outputs(l);
    if (options_.means) means_ = own_means(attention_of(l), *options_.means, l);
    count_work();
    const Branching branching = decide_masks(l);
    if (batch_.paths().empty()) return;
    batch_.advance(branching);
    if (l + 1 < layers) {
      backend_.finish_layer(branching.masks, branching.rows);
    } else {
      finish_and_score(branching);
    }
    path_layers_done_ += std::ssize(batch_.paths());
    if (options_.on_layer) options_.on_layer(static_cast<double>(path_layers_done_) / path_layers);
  }
  hand_over();
}

// The results of the paths that have left the last layer.
void ForwardPass::hand_over() {
  if (!options_.on_finished) return;
  std::vector<int64_t> numbers;
  for (const Path& path : batch_.paths()) numbers.push_back(path.number);
  options_.on_finished(numbers, results_);
}

std::vector<RowRun> ForwardPass::runs(int layer) {
  std::vector<RowRun> runs;
  for (const Branch& branch : batch_.branches()) {
    const Segment& segment = batch_.segment_of(branch);
    RowRun run = {branch.first_row, segment.length(),    segment.begin,
                  branch.parent,    segment.rope_length, nullptr};
    if (appends()) run.cache = cache_of(branch).own(layer).rows.get();
    runs.push_back(run);
  }
  return runs;
}

void ForwardPass::count_work() {
  work_.rows += batch_.rows();
  const std::vector<double> shares = batch_.row_shares();
  for (size_t p = 0; p < shares.size(); ++p)
    results_[static_cast<size_t>(batch_.paths()[p].number)].work += shares[p];
}

void ForwardPass::sum_statistics(int layer) {
  const auto& branches = batch_.branches();
  sums_.reset(std::ssize(branches), attention_of(layer).heads, attention_of(layer).kv_heads);
  for (size_t b = 0; b < branches.size() && appends(); ++b) {
    const LayerCache& cache = *cache_of(branches[b]).layers[static_cast<size_t>(layer)];
    const auto run = static_cast<int64_t>(b);
    std::ranges::copy(cache.head_sums, sums_.heads_of(run).begin());
    std::ranges::copy(cache.value_norms, sums_.values_of(run).begin());
    std::ranges::copy(cache.first_value_norms, sums_.first_norms_of(run).begin());
  }
  backend_.sum(sums_);
  if (start_) cache_sums(layer);
}

// By the masks of the paths at the layer.
Branching ForwardPass::branch(int layer) const {
  const AttentionSpec& attention = attention_of(layer);
  std::vector<uint8_t> masks;
  for (const Path& path : batch_.paths())
    append_own(attention, results_[static_cast<size_t>(path.number)].mask.layer(layer), masks);
  Branching branching = batch_.branch(masks, attention.heads, pool_);
  branching.masks.means = means_;
  return branching;
}

Branching ForwardPass::decide_masks(int layer) {
  const AttentionSpec& attention = attention_of(layer);
  pool_.parallel_for(std::ssize(batch_.paths()), [&](int64_t p, int) {
    const Path& path = batch_.paths()[static_cast<size_t>(p)];
    const Sample& sample = samples_[static_cast<size_t>(path.sample)];
    PathResult& result = results_[static_cast<size_t>(path.number)];
    std::vector<HeadStats> own(static_cast<size_t>(attention.heads)),
        stats(static_cast<size_t>(spec_.heads()));
    if (measure_ != Measure::nothing) sample_stats(sums_, path.branch, std::ssize(sample.tokens), own);
    place_stats(attention, own, stats);
    if (options_.stats) std::ranges::copy(stats, result.stats.layer(layer).begin());
    const RandomKey key = {options_.seed, sample.id};
    decide_mask(interventions_[static_cast<size_t>(path.intervention)], stats, layer, key,
                result.mask.layer(layer));
  });
  if (appends() && layer + 1 < spec_.layer_count()) drop_changed(layer);
  Branching branching = branch(layer);
  if (std::ssize(branching.rows) <= limits_.rows) return branching;
  const RowBatch::Division division = batch_.divide(limits_.rows, together_, &branching);
  if (!finish_and_suspend(layer, branching, division.others)) suspend(division.others, layer);
  batch_.keep(division.first);
  return branch(layer);
}

}  // namespace idleheads
