#include "engine/descent.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstring>

#include "base/error.h"
#include "engine/ops.h"

namespace idleheads {
namespace {

// Queries per attention task: bounds what packing the keys again for each task costs, and gives threads
// pieces.
constexpr int64_t kAttentionRows = 256;

int64_t tiles(int64_t rows) { return (rows + kTileRows - 1) / kTileRows; }

Cohort first_cohort(std::span<const Sample> samples, int64_t interventions, bool sharing,
                    const Beginning* beginning) {
  if (!beginning || beginning->where == Beginning::Where::start) return {samples, interventions, sharing};
  // What is kept of a sample is its own.
  std::vector<int64_t> begins;
  for (const KeptPath* kept : beginning->kept)
    begins.push_back(beginning->where == Beginning::Where::behind ? kept->rows : 0);
  return {own_segments(samples, begins), static_cast<int64_t>(samples.size()), interventions};
}

}  // namespace

bool needs_statistics(const Intervention& intervention) {
  const auto* rule = std::get_if<ScoreRule>(&intervention);
  return rule != nullptr && !rule->score->is_random;
}

Descent::Descent(const EngineParts& parts, std::span<const Sample> samples,
                 std::span<const Intervention> interventions, const RunOptions& options,
                 const Beginning* beginning)
    : model_(parts.model),
      config_(parts.model.config()),
      weights_(parts.weights),
      pool_(parts.pool),
      workspace_(parts.workspace),
      limits_(parts.limits),
      samples_(samples),
      interventions_(interventions),
      options_(options),
      measure_(options.stats || std::ranges::any_of(interventions, needs_statistics) ||
               (beginning && beginning->keep_hidden)),
      together_(options.rows > 0 ? Cohort::Together::interventions : Cohort::Together::sharing),
      beginning_(beginning),
      all_(first_cohort(samples, static_cast<int64_t>(interventions.size()), parts.sharing, beginning)),
      cohort_(all_) {
  results_.resize(all_.paths().size());
  prepare_angles();
  begin();
}

// The paths that are to run, at their first layer.
void Descent::begin() {
  Waiting first = {.cohort = all_, .layer = 0, .hidden = {}};
  if (beginning_) begin_kept(first);
  for (const Path& path : first.cohort.paths()) {
    PathResult& result = results_[static_cast<size_t>(path.number)];
    if (result.mask.layers() == 0) result.mask = HeadMask(config_.layers, config_.heads);
    if (options_.stats) result.stats = SampleStats(config_.layers, config_.heads);
  }
  work_.rows_unshared = first.cohort.rows_unshared() * config_.layers;
  paths_ = static_cast<int64_t>(first.cohort.paths().size());
  waiting_rows_ = first.hidden.size() / config_.hidden;
  waiting_.push_back(std::move(first));
}

// Of all positions up to the longest sample's; kept from run to run.
void Descent::prepare_angles() {
  const int64_t half = config_.head_dim / 2, angles = longest(samples_) * half;
  AlignedBuffer<float>&cosines = workspace_.cosines, &sines = workspace_.sines;
  const int64_t there = cosines.size();
  if (angles <= there) return;
  cosines.grow(angles);
  sines.grow(angles);
  for (int64_t i = there; i < angles; ++i) {
    const float angle =
        static_cast<float>(i / half) * config_.rope_inverse_frequencies[static_cast<size_t>(i % half)];
    cosines[i] = static_cast<float>(std::cos(static_cast<double>(angle)));
    sines[i] = static_cast<float>(std::sin(static_cast<double>(angle)));
  }
}

std::vector<PathResult> Descent::run() {
  while (!waiting_.empty()) descend();
  return std::move(results_);
}

void Descent::descend() {
  const auto path_layers = static_cast<double>(paths_ * config_.layers);
  for (int l = resume(); l < config_.layers; ++l) {
    const std::shared_ptr<const PackedLayer> layer = weights_.layers.get(l);
    place_rows();
    project(*layer);
    if (beginning_) keep_rows(l);
    attend_all(*layer, l);
    if (measure_) sum_statistics(l);
    count_work();
    const Step step = decide_masks(*layer, l);
    if (cohort_.paths().empty()) return;
    cohort_.advance(step);
    if (l + 1 < config_.layers) {
      finish(*layer, l, step.masks, step.rows);
    } else {
      finish_and_score(*layer, l, step);
    }
    path_layers_done_ += static_cast<int64_t>(cohort_.paths().size());
    if (options_.on_layer) options_.on_layer(static_cast<double>(path_layers_done_) / path_layers);
  }
  hand_over();
}

// The results of the paths that have left the last layer.
void Descent::hand_over() {
  if (!options_.on_finished) return;
  std::vector<int64_t> numbers;
  for (const Path& path : cohort_.paths()) numbers.push_back(path.number);
  options_.on_finished(numbers, results_);
}

// Addresses for as many rows as branching can lead to, so that no buffer moves between layers; memory that is
// not touched costs nothing.
void Descent::reserve() {
  const int64_t most = std::max(cohort_.rows(), std::min(cohort_.rows_unshared(), limits_.rows));
  const int64_t rows = tiles(most) * kTileRows;
  workspace_.hidden.resize(rows * config_.hidden);
  workspace_.next_hidden.resize(rows * config_.hidden);
  workspace_.qkv.resize(rows * config_.qkv_width());
  workspace_.row_stats.resize(rows * config_.heads);
  workspace_.value_norms.resize(rows * config_.kv_heads);
}

void Descent::count_work() {
  work_.rows += cohort_.rows();
  const std::vector<double> shares = cohort_.row_shares();
  for (size_t p = 0; p < shares.size(); ++p)
    results_[static_cast<size_t>(cohort_.paths()[p].number)].work += shares[p];
}

// The table's pages are given back every few rows: a row may map as many as the system reads ahead.
void Descent::embed() {
  constexpr int64_t kRowsBetween = 64;
  std::atomic<int64_t> embedded = 0;
  const auto& variants = cohort_.variants();
  pool_.parallel_for(static_cast<int64_t>(variants.size()), [&](int64_t v, int) {
    const Variant& variant = variants[static_cast<size_t>(v)];
    const Segment& segment = cohort_.segment_of(variant);
    const std::vector<int32_t>& tokens = samples_[static_cast<size_t>(segment.sample)].tokens;
    for (int64_t i = 0; i < segment.length(); ++i) {
      model_.weights().embedding(tokens[static_cast<size_t>(segment.begin + i)],
                                 {workspace_.hidden.data() + (variant.first_row + i) * config_.hidden,
                                  static_cast<size_t>(config_.hidden)});
      if (++embedded % kRowsBetween == 0) model_.weights().forget_embeddings();
    }
  });
  model_.weights().forget_embeddings();
}

void Descent::place_rows() {
  positions_.resize(static_cast<size_t>(cohort_.rows()));
  for (const Variant& variant : cohort_.variants()) {
    const Segment& segment = cohort_.segment_of(variant);
    for (int64_t i = 0; i < segment.length(); ++i) {
      positions_[static_cast<size_t>(variant.first_row + i)] = static_cast<int32_t>(segment.begin + i);
    }
  }
}

void Descent::project(const PackedLayer& layer) {
  pool_.parallel_for(tiles(cohort_.rows()),
                     [&](int64_t tile, int thread) { project_tile(layer, tile * kTileRows, thread); });
}

void Descent::project_tile(const PackedLayer& layer, int64_t first, int thread) {
  const int64_t width = config_.hidden, rows = std::min(kTileRows, cohort_.rows() - first);
  AlignedBuffer<float>& input = workspace_.threads[static_cast<size_t>(thread)].a;
  input.resize(kTileRows * width);
  for (int64_t r = 0; r < rows; ++r) {
    const float* source = workspace_.hidden.data() + (first + r) * width;
    float* target = input.data() + r * width;
    if (config_.pre_norm) {
      rms_norm(source, layer.vectors.attention_norm.data(), config_.norm_epsilon, target, width);
    } else {
      std::copy_n(source, width, target);
    }
  }
  std::fill(input.data() + rows * width, input.data() + kTileRows * width, 0.0f);
  layer.qkv.apply(input.data(), workspace_.qkv.data() + first * config_.qkv_width());
  for (int64_t r = 0; r < rows; ++r) rotate_and_measure(layer, first + r);
}

void Descent::rotate_and_measure(const PackedLayer& layer, int64_t row) {
  const int64_t dim = config_.head_dim;
  float* query = workspace_.qkv.data() + row * config_.qkv_width();
  float* key = query + config_.query_width();
  float* value = key + config_.kv_width();
  if (config_.qk_norm) {
    rms_norm(query, layer.vectors.query_norm.data(), config_.norm_epsilon, query, config_.query_width());
    rms_norm(key, layer.vectors.key_norm.data(), config_.norm_epsilon, key, config_.kv_width());
  }
  const int64_t angle = positions_[static_cast<size_t>(row)] * (dim / 2);
  // Q and K lie side by side.
  for (int64_t h = 0; h < config_.heads + config_.kv_heads; ++h) {
    rope(query + h * dim, workspace_.cosines.data() + angle, workspace_.sines.data() + angle, dim);
  }
  if (!measure_) return;
  for (int64_t h = 0; h < config_.kv_heads; ++h)
    workspace_.value_norms[row * config_.kv_heads + h] = norm(value + h * dim, dim);
}

void Descent::attend_all(const PackedLayer& layer, int index) {
  struct Piece {
    int32_t variant;
    int group;
    int64_t first, count;
  };
  std::vector<Piece> pieces;
  for (size_t v = 0; v < cohort_.variants().size(); ++v) {
    const int64_t length = cohort_.segment_of(cohort_.variants()[v]).length();
    for (int64_t first = 0; first < length; first += kAttentionRows) {
      for (int group = 0; group < config_.kv_heads; ++group) {
        pieces.push_back({static_cast<int32_t>(v), group, first, std::min(kAttentionRows, length - first)});
      }
    }
  }
  pool_.parallel_for(static_cast<int64_t>(pieces.size()), [&](int64_t i, int thread) {
    const Piece& piece = pieces[static_cast<size_t>(i)];
    attend_variant(layer, index, piece.variant, piece.group, piece.first, piece.count,
                   workspace_.threads[static_cast<size_t>(thread)].attention);
  });
}

void Descent::attend_variant(const PackedLayer& layer, int index, int32_t number, int group, int64_t first,
                             int64_t count, AttentionScratch& scratch) {
  const Variant& variant = cohort_.variants()[static_cast<size_t>(number)];
  const int64_t dim = config_.head_dim, width = config_.qkv_width();
  const int heads = config_.group_size();
  const std::vector<KeyRun> keys = key_runs(number, group);
  const int64_t row = variant.first_row + first;
  AttentionTask task;
  task.keys = keys;
  if (is_behind())
    task.cached = &kept_of(variant).layers[static_cast<size_t>(index)]->keys[static_cast<size_t>(group)];
  task.stride = width;
  task.queries = workspace_.qkv.data() + row * width + group * heads * dim;
  task.first = cohort_.segment_of(variant).begin + first;
  task.count = count;
  task.heads = heads;
  task.head_dim = config_.head_dim;
  task.factors = layer.projection_factors.data() + group * heads * dim * padded_head_dim(dim);
  task.bf16 = weights_.bf16_attention;
  if (measure_) task.stats = workspace_.row_stats.data() + row * config_.heads + group * heads;
  task.stats_stride = config_.heads;
  if (const int head = attend(task, scratch); head != kAllFinite) {
    fail("{}: layer {} head {}: NaN or infinity in the head's attention output", model_.name(), index,
         group * heads + head);
  }
}

// Keys and values of a variant and of those before it, in the order of positions.
std::vector<KeyRun> Descent::key_runs(int32_t variant, int group) const {
  std::vector<KeyRun> keys;
  for (const int32_t v : cohort_.chain(variant)) {
    const Variant& part = cohort_.variants()[static_cast<size_t>(v)];
    const float* key = workspace_.qkv.data() + part.first_row * config_.qkv_width() + config_.query_width() +
                       group * config_.head_dim;
    keys.push_back({key, key + config_.kv_width(), cohort_.segment_of(part).length()});
  }
  return keys;
}

// Continues the sums of what is before a variant row by row, so that they do not depend on where segments are
// cut.
void Descent::sum_statistics(int layer) {
  const auto& variants = cohort_.variants();
  head_sums_.assign(variants.size() * static_cast<size_t>(config_.heads), {});
  value_sums_.assign(variants.size() * static_cast<size_t>(config_.kv_heads), 0.0);
  pool_.parallel_for(config_.heads, [&](int64_t h, int) {
    for (size_t v = 0; v < variants.size(); ++v) {
      const auto at = [&](int64_t variant) { return static_cast<size_t>(variant * config_.heads + h); };
      HeadSums sums;
      if (variants[v].parent >= 0) {
        sums = head_sums_[at(variants[v].parent)];
      } else if (is_behind()) {
        sums = kept_of(variants[v]).layers[static_cast<size_t>(layer)]->head_sums[static_cast<size_t>(h)];
      }
      const int64_t first = variants[v].first_row, end = first + cohort_.segment_of(variants[v]).length();
      for (int64_t row = first; row < end; ++row) {
        const RowStats& stats = workspace_.row_stats[row * config_.heads + h];
        sums.first_weight += stats.first_weight;
        sums.entropy += stats.entropy;
        sums.output_norm += stats.output_norm;
        sums.projected_norm += stats.projected_norm;
      }
      head_sums_[at(static_cast<int64_t>(v))] = sums;
    }
  });
  for (size_t v = 0; v < variants.size(); ++v) {
    for (int64_t h = 0; h < config_.kv_heads; ++h) {
      double& sum = value_sums_[v * static_cast<size_t>(config_.kv_heads) + static_cast<size_t>(h)];
      if (variants[v].parent >= 0) {
        sum = value_sums_[static_cast<size_t>(variants[v].parent * config_.kv_heads + h)];
      } else if (is_behind()) {
        sum = kept_of(variants[v]).layers[static_cast<size_t>(layer)]->value_sums[static_cast<size_t>(h)];
      }
      const int64_t first = variants[v].first_row, end = first + cohort_.segment_of(variants[v]).length();
      for (int64_t row = first; row < end; ++row) sum += workspace_.value_norms[row * config_.kv_heads + h];
    }
  }
  if (beginning_) keep_sums(layer);
}

std::vector<HeadStats> Descent::path_stats(const Path& path, int layer) const {
  const auto tokens = static_cast<double>(samples_[static_cast<size_t>(path.sample)].tokens.size());
  const Variant& leaf = cohort_.variants()[static_cast<size_t>(path.variant)];
  const float* first_norms = is_behind()
                                 ? kept_of(leaf).layers[static_cast<size_t>(layer)]->first_value_norms.data()
                                 : workspace_.value_norms.data() + cohort_.row_of(path, 0) * config_.kv_heads;
  const int64_t last_row = cohort_.row_of(path, static_cast<int64_t>(tokens) - 1);
  std::vector<HeadStats> stats(static_cast<size_t>(config_.heads));
  for (int h = 0; h < config_.heads; ++h) {
    const int kv = h / config_.group_size();
    const HeadSums& sums = head_sums_[static_cast<size_t>(path.variant * config_.heads + h)];
    HeadStats& head = stats[static_cast<size_t>(h)];
    const auto set = [&](Stat stat, double value) {
      head[static_cast<size_t>(stat)] = static_cast<float>(value);
    };
    set(Stat::first_weight, sums.first_weight / tokens);
    set(Stat::entropy, sums.entropy / tokens);
    set(Stat::first_value_norm, first_norms[kv]);
    set(Stat::value_norm, value_sums_[static_cast<size_t>(path.variant * config_.kv_heads + kv)] / tokens);
    set(Stat::last_output_norm, workspace_.row_stats[last_row * config_.heads + h].output_norm);
    set(Stat::output_norm, sums.output_norm / tokens);
    set(Stat::projected_norm, sums.projected_norm / tokens);
  }
  return stats;
}

Step Descent::decide_masks(const PackedLayer& weights, int layer) {
  const auto masks_of_paths = [&] {
    std::vector<std::vector<uint8_t>> masks;
    for (const Path& path : cohort_.paths()) {
      const std::span<const uint8_t> mask = results_[static_cast<size_t>(path.number)].mask.layer(layer);
      masks.emplace_back(mask.begin(), mask.end());
    }
    return masks;
  };
  for (const Path& path : cohort_.paths()) {
    const std::vector<HeadStats> stats =
        measure_ ? path_stats(path, layer) : std::vector<HeadStats>(static_cast<size_t>(config_.heads));
    PathResult& result = results_[static_cast<size_t>(path.number)];
    if (options_.stats) std::copy(stats.begin(), stats.end(), result.stats.layer(layer).begin());
    const RandomKey key = {options_.seed, samples_[static_cast<size_t>(path.sample)].id};
    decide_mask(interventions_[static_cast<size_t>(path.intervention)], stats, layer, key,
                result.mask.layer(layer));
  }
  if (is_behind() && layer + 1 < config_.layers) let_go(layer);
  Step step = cohort_.branch(masks_of_paths());
  if (static_cast<int64_t>(step.rows.size()) <= limits_.rows) return step;
  const Cohort::Division division = cohort_.divide(limits_.rows, together_, &step);
  if (!finish_and_set_aside(weights, layer, step, division.others)) set_aside(division.others, layer);
  cohort_.keep(division.first);
  return cohort_.branch(masks_of_paths());
}

void Descent::finish(const PackedLayer& layer, int index, const std::vector<std::vector<uint8_t>>& masks,
                     std::span<const RowSource> rows) {
  finish_rows(layer, index, masks, rows);
  std::swap(workspace_.hidden, workspace_.next_hidden);
}

// Into `next_hidden`.
void Descent::finish_rows(const PackedLayer& layer, int index, const std::vector<std::vector<uint8_t>>& masks,
                          std::span<const RowSource> rows) {
  pool_.parallel_for(tiles(std::ssize(rows)), [&](int64_t tile, int thread) {
    finish_tile(layer, index, masks, rows, tile * kTileRows, thread);
  });
}

void Descent::finish_tile(const PackedLayer& layer, int index, const std::vector<std::vector<uint8_t>>& masks,
                          std::span<const RowSource> rows, int64_t first, int thread) {
  const int64_t width = config_.hidden, wide = config_.intermediate, heads_width = config_.query_width();
  const int64_t dim = config_.head_dim;
  const int64_t count = std::min(kTileRows, static_cast<int64_t>(rows.size()) - first);
  Workspace::PerThread& scratch = workspace_.threads[static_cast<size_t>(thread)];
  AlignedBuffer<float>&narrow = scratch.a, &added = scratch.b, &gates = scratch.c;
  narrow.resize(kTileRows * std::max(heads_width, width));
  added.resize(kTileRows * width);
  gates.resize(kTileRows * 2 * wide);
  std::fill(narrow.span().begin(), narrow.span().end(), 0.0f);
  for (int64_t r = 0; r < count; ++r) {
    const RowSource& source = rows[static_cast<size_t>(first + r)];
    const std::vector<uint8_t>& mask = masks[static_cast<size_t>(source.mask)];
    const float* z = workspace_.qkv.data() + source.row * config_.qkv_width();
    for (int h = 0; h < config_.heads; ++h) {
      if (!mask[static_cast<size_t>(h)])
        std::copy_n(z + h * dim, dim, narrow.data() + r * heads_width + h * dim);
    }
  }
  layer.output.apply(narrow.data(), added.data());
  float* residual = workspace_.next_hidden.data() + first * width;
  for (int64_t r = 0; r < count; ++r) {
    const RowSource& source = rows[static_cast<size_t>(first + r)];
    float* sum = added.data() + r * width;
    float* out = residual + r * width;
    if (config_.post_norm)
      rms_norm(sum, layer.vectors.attention_post_norm.data(), config_.norm_epsilon, sum, width);
    std::copy_n(workspace_.hidden.data() + source.row * width, width, out);
    add(sum, out, width);
    if (config_.pre_norm) {
      rms_norm(out, layer.vectors.mlp_norm.data(), config_.norm_epsilon, narrow.data() + r * width, width);
    } else {
      std::copy_n(out, width, narrow.data() + r * width);
    }
  }
  layer.gate_up.apply(narrow.data(), gates.data());
  // silu(gate) * up, written densely [tile, intermediate]: row r ends before row r + 1 of the source begins.
  for (int64_t r = 0; r < kTileRows; ++r) {
    const float* gate = gates.data() + r * 2 * wide;
    silu_multiply(gate, gate + wide, gates.data() + r * wide, wide);
  }
  layer.down.apply(gates.data(), added.data());
  for (int64_t r = 0; r < count; ++r) {
    float* sum = added.data() + r * width;
    if (config_.post_norm)
      rms_norm(sum, layer.vectors.mlp_post_norm.data(), config_.norm_epsilon, sum, width);
    add(sum, residual + r * width, width);
  }
  if (!all_finite(residual, count * width)) {
    fail("{}: layer {}: NaN or infinity in the residual stream after the MLP", model_.name(), index);
  }
}

}  // namespace idleheads
