#include "engine/cpu/cpu_backend.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <utility>

#include "base/fail.h"
#include "base/memory.h"
#include "engine/cpu/column_sums.h"
#include "engine/cpu/layer_tiles.h"
#include "engine/cpu/lm_head.h"
#include "engine/cpu/memory_plan.h"
#include "engine/cpu/ops.h"
#include "engine/cpu/row_memory.h"

namespace idleheads {
namespace {

// Queries per attention task: bounds what packing the keys again for each task costs, and gives threads
// pieces.
constexpr int64_t kAttentionRows = 256;

class CpuBackend : public Backend {
 public:
  CpuBackend(std::unique_ptr<const WeightSource> source, ThreadPool& pool, const CpuOptions& options)
      : source_(std::move(source)),
        spec_(source_->spec()),
        pool_(pool),
        plan_(plan_memory(spec_, {options.precision, pool.threads(), options.memory, resident_bytes(),
                                  options.rows, options.stream})),
        weights_(pack_model(*source_, options.precision, pool, plan_.stream)),
        scratch_(static_cast<size_t>(pool.threads())),
        columns_(pool.threads()) {
    learned_positions_ = source_->position_embeddings();
  }

  RowLimits limits() const override { return plan_.limits; }
  RowLimits generation_limits() const override { return limits_of_generation(plan_.limits, spec_); }
  int64_t memory_of(int64_t rows) const override {
    return plan_.fixed_bytes + std::min(rows, plan_.limits.rows) * row_bytes(spec_);
  }
  int64_t cached_bytes(CacheContents contents) const override;
  bool streams_weights() const override { return plan_.stream; }

  void reserve(int64_t rows) override;
  void embed(std::span<const int32_t> tokens, std::span<const int32_t> positions) override;
  std::unique_ptr<SavedRows> save(std::span<const int64_t> rows) override;
  void restore(const SavedRows& saved) override;

  void begin_layer(int layer, std::span<const RowRun> runs, Measure measure) override;
  void project() override;
  void append(std::span<const CacheAppend> appends) override;
  bool can_keep_weights() const override { return true; }
  void keep_weights(std::span<const KeptWeights> kept) override { kept_.assign(kept.begin(), kept.end()); }
  void attend() override;
  void sum(LayerSums& sums) override;
  void add_outputs(std::span<const CountedRows> rows, std::span<int64_t> sums) override;
  void finish_layer(const MaskTable& masks, std::span<const RowSource> rows) override;
  std::unique_ptr<SavedRows> finish_layer_aside(const MaskTable& masks,
                                                std::span<const RowSource> rows) override;
  std::vector<RowScores> score(std::span<const RowQuery> queries, float repetition_penalty) override;

  std::unique_ptr<RowCache> make_cache(int layer, int64_t tokens, CacheContents contents) override;
  std::unique_ptr<SavedRows> cached_inputs(std::span<const RowCache* const> caches) override;

 private:
  const AttentionSpec& attention() const { return layer_->attention; }
  float* hidden_of(int64_t row) { return buffers_.hidden.data() + row * spec_.hidden; }
  void choose_rotaries(int64_t rows, int64_t positions);
  LayerTiles tiles();
  void attend_runs(size_t first, size_t end);
  void attend_piece(size_t number, int group, int64_t first, int64_t count, AttentionScratch& scratch);
  std::vector<std::vector<float*>> patterns_of(size_t run, int group) const;
  std::vector<KeyRun> keys_of(const RowRun& run, bool whole, int group) const;
  void append_inputs(const RowRun& run, bool whole, AlignedBuffer<float>& to);
  void sum_head(int64_t head, LayerSums& sums) const;
  void sum_values(int64_t kv_head, LayerSums& sums) const;
  void finish_rows(const MaskTable& masks, std::span<const RowSource> rows);

  const std::unique_ptr<const WeightSource> source_;
  const ModelSpec& spec_;
  ThreadPool& pool_;
  const MemoryPlan plan_;
  PackedModel weights_;
  AlignedBuffer<float> learned_positions_;              // [context, hidden], if there are any
  std::map<std::pair<int, int64_t>, Rotary> rotaries_;  // by number of the rope, rope_length
  RowBuffers buffers_;
  std::vector<TileScratch> scratch_;  // by thread
  MixtureScratch mixture_scratch_;

  // Of the layer at work.
  int number_ = 0;
  std::shared_ptr<const PackedLayer> layer_;
  std::vector<RowRun> runs_;
  std::vector<int32_t> positions_;           // [rows]
  std::vector<const Rotary*> row_rotaries_;  // LayerTiles
  Measure measure_ = Measure::nothing;
  std::vector<CacheAppend> appends_;
  std::vector<KeptWeights> kept_;
  ColumnSums columns_;
};

// Memory that is not touched costs nothing.
void CpuBackend::reserve(int64_t rows) {
  const int64_t whole = whole_tiles(rows);
  buffers_.hidden.resize(whole * spec_.hidden);
  buffers_.next_hidden.resize(whole * spec_.hidden);
  const Widths widths = widths_of(spec_);
  buffers_.qkv.resize(whole * widths.qkv);
  buffers_.row_stats.resize(whole * widths.heads);
  buffers_.value_norms.resize(whole * widths.kv_heads);
  if (has_experts(spec_)) {
    buffers_.mlp_inputs.resize(whole * spec_.hidden);
    buffers_.mlp_outputs.resize(whole * spec_.hidden);
  }
}

// The table's pages are given back every few rows: a row may map as many as the system reads ahead.
void CpuBackend::embed(std::span<const int32_t> tokens, std::span<const int32_t> positions) {
  constexpr int64_t kRowsBetween = 64;
  const auto rows = std::ssize(tokens);
  pool_.parallel_for((rows + kRowsBetween - 1) / kRowsBetween, [&](int64_t piece, int) {
    for (int64_t row = piece * kRowsBetween; row < std::min(rows, (piece + 1) * kRowsBetween); ++row) {
      float* hidden = hidden_of(row);
      source_->embedding(tokens[static_cast<size_t>(row)], {hidden, static_cast<size_t>(spec_.hidden)});
      if (spec_.embedding_multiplier != 1) scale(spec_.embedding_multiplier, hidden, spec_.hidden);
      if (spec_.learned_positions) {
        const int64_t position = positions[static_cast<size_t>(row)];
        add(learned_positions_.data() + position * spec_.hidden, hidden, spec_.hidden);
      }
    }
    source_->forget_embeddings();
  });
}

std::unique_ptr<SavedRows> CpuBackend::save(std::span<const int64_t> rows) {
  auto saved = std::make_unique<CpuSavedRows>();
  saved->rows = std::ssize(rows);
  saved->hidden.resize(saved->rows * spec_.hidden);
  float* to = saved->hidden.data();
  for (const int64_t row : rows) to = std::copy_n(hidden_of(row), spec_.hidden, to);
  return saved;
}

void CpuBackend::restore(const SavedRows& saved) {
  const AlignedBuffer<float>& hidden = static_cast<const CpuSavedRows&>(saved).hidden;
  std::copy_n(hidden.data(), hidden.size(), buffers_.hidden.data());
}

void CpuBackend::begin_layer(int layer, std::span<const RowRun> runs, Measure measure) {
  number_ = layer;
  measure_ = measure;
  layer_ = nullptr;  // before the next is asked for: streamed weights have memory for two
  layer_ = weights_.layers.get(layer);
  runs_.assign(runs.begin(), runs.end());
  appends_.clear();
  kept_.clear();
  int64_t rows = 0, end = 0;
  for (const RowRun& run : runs) {
    rows = std::max(rows, run.first_row + run.count);
    end = std::max(end, run.begin + run.count);
  }
  positions_.resize(static_cast<size_t>(rows));
  for (const RowRun& run : runs) {
    for (int64_t i = 0; i < run.count; ++i)
      positions_[static_cast<size_t>(run.first_row + i)] = static_cast<int32_t>(run.begin + i);
  }
  choose_rotaries(rows, end);
}

// One for all rows, as nearly always, or one each.
void CpuBackend::choose_rotaries(int64_t rows, int64_t positions) {
  row_rotaries_.clear();
  const int rope = attention().rope;
  if (rope < 0) return;
  const auto rotary_of = [&](int64_t rope_length) {
    const RopeSpec& spec = spec_.ropes[static_cast<size_t>(rope)];
    Rotary& rotary = rotaries_.try_emplace({rope, rope_length}, spec, rope_length).first->second;
    rotary.prepare(positions);
    return &rotary;
  };
  if (std::ranges::all_of(runs_, [](const RowRun& run) { return run.rope_length == 0; })) {
    row_rotaries_ = {rotary_of(0)};
    return;
  }
  std::erase_if(rotaries_, [&](const auto& entry) {
    return !std::ranges::count(runs_, entry.first.second, &RowRun::rope_length);
  });
  row_rotaries_.resize(static_cast<size_t>(std::max<int64_t>(rows, 2)));
  for (const RowRun& run : runs_)
    std::fill_n(row_rotaries_.begin() + run.first_row, run.count, rotary_of(run.rope_length));
}

LayerTiles CpuBackend::tiles() { return {*layer_, spec_.hidden, row_rotaries_, buffers_}; }

void CpuBackend::project() {
  if (!attention().is_there()) return;
  const LayerTiles tiles = this->tiles();
  pool_.parallel_for(tiles_of(std::ssize(positions_)), [&](int64_t tile, int thread) {
    tiles.project(tile, positions_, measure_ != Measure::nothing, scratch_[static_cast<size_t>(thread)]);
  });
}

// Keys and values of a run, and with `whole` of those before it, in the order of positions.
std::vector<KeyRun> CpuBackend::keys_of(const RowRun& run, bool whole, int group) const {
  const AttentionSpec& a = attention();
  std::vector<KeyRun> keys;
  for (const RowRun* part = &run; part != nullptr;
       part = whole && part->parent >= 0 ? &runs_[static_cast<size_t>(part->parent)] : nullptr) {
    const float* key = buffers_.qkv.data() + part->first_row * a.qkv_width() + a.query_width() +
                       static_cast<int64_t>(group) * a.head_dim;
    keys.push_back({key, key + a.kv_width(), part->count});
  }
  std::ranges::reverse(keys);
  return keys;
}

// By head of the group: where the run's weights are kept; empty where nothing is.
std::vector<std::vector<float*>> CpuBackend::patterns_of(size_t run, int group) const {
  std::vector<std::vector<float*>> patterns;
  const int heads = attention().group_size();
  for (const KeptWeights& kept : kept_) {
    if (static_cast<size_t>(kept.run) != run || kept.head / heads != group) continue;
    patterns.resize(static_cast<size_t>(heads));
    patterns[static_cast<size_t>(kept.head % heads)].push_back(kept.pattern);
  }
  return patterns;
}

void CpuBackend::append_inputs(const RowRun& run, bool whole, AlignedBuffer<float>& to) {
  if (whole && run.parent >= 0) append_inputs(runs_[static_cast<size_t>(run.parent)], whole, to);
  const int64_t there = to.size(), more = run.count * spec_.hidden;
  to.grow(there + more);
  std::copy_n(hidden_of(run.first_row), more, to.data() + there);
}

void CpuBackend::append(std::span<const CacheAppend> appends) {
  const AttentionSpec& a = attention();
  appends_.assign(appends.begin(), appends.end());
  pool_.parallel_for(std::ssize(appends), [&](int64_t i, int) {
    const CacheAppend& entry = appends[static_cast<size_t>(i)];
    const RowRun& run = runs_[static_cast<size_t>(entry.run)];
    auto& cache = static_cast<CpuRowCache&>(*entry.cache);
    for (int group = 0; group < a.kv_heads; ++group) {
      append_keys(keys_of(run, entry.whole, group), a.qkv_width(), a.head_dim, weights_.bf16_attention,
                  cache.keys[static_cast<size_t>(group)]);
    }
    if (cache.keeps_inputs) append_inputs(run, entry.whole, cache.inputs);
  });
}

void CpuBackend::attend() {
  if (!attention().is_there()) return;
  if (measure_ != Measure::columns) return attend_runs(0, runs_.size());
  columns_.begin(runs_, appends_, attention().heads);
  for (size_t first = 0, end = 0; first < runs_.size(); first = end) {
    end = columns_.open(first);
    attend_runs(first, end);
    columns_.close(first, end, pool_);
  }
}

void CpuBackend::attend_runs(size_t first_run, size_t end) {
  struct Piece {
    size_t run;
    int group;
    int64_t first, count;
  };
  std::vector<Piece> pieces;
  for (size_t run = first_run; run < end; ++run) {
    const int64_t rows = runs_[run].count;
    for (int64_t first = 0; first < rows; first += kAttentionRows) {
      for (int group = 0; group < attention().kv_heads; ++group)
        pieces.push_back({run, group, first, std::min(kAttentionRows, rows - first)});
    }
  }
  pool_.parallel_for(std::ssize(pieces), [&](int64_t i, int thread) {
    const Piece& piece = pieces[static_cast<size_t>(i)];
    attend_piece(piece.run, piece.group, piece.first, piece.count,
                 scratch_[static_cast<size_t>(thread)].attention);
  });
}

void CpuBackend::attend_piece(size_t number, int group, int64_t first, int64_t count,
                              AttentionScratch& scratch) {
  const RowRun& run = runs_[number];
  const AttentionSpec& a = attention();
  const int64_t dim = a.head_dim, heads = a.group_size(), row = run.first_row + first;
  const std::vector<KeyRun> keys = keys_of(run, true, group);
  const std::vector<std::vector<float*>> patterns = patterns_of(number, group);
  AttentionTask task;
  task.keys = keys;
  task.patterns = patterns;
  if (run.cache) task.cached = &static_cast<CpuRowCache*>(run.cache)->keys[static_cast<size_t>(group)];
  task.stride = a.qkv_width();
  task.queries = buffers_.qkv.data() + row * a.qkv_width() + group * heads * dim;
  task.first = run.begin + first;
  task.count = count;
  task.heads = a.group_size();
  task.head_dim = a.head_dim;
  task.scale = a.scale;
  task.window = a.window;
  task.soft_cap = a.soft_cap;
  if (a.sinks) task.sinks = layer_->sinks.data() + group * heads;
  task.factors = layer_->projection_factors.data() + group * heads * dim * padded_head_dim(dim);
  task.bf16 = weights_.bf16_attention;
  if (measure_ != Measure::nothing) task.stats = buffers_.row_stats.data() + row * a.heads + group * heads;
  task.stats_stride = a.heads;
  const int64_t positions = padded_positions(task.first + count);
  if (measure_ == Measure::columns) {
    scratch.columns.resize(heads * positions);
    std::ranges::fill(scratch.columns.span(), 0.0);
    task.columns = scratch.columns.data();
  }
  if (const int head = idleheads::attend(task, scratch); head != kAllFinite) {
    fail("{}: layer {} head {}: NaN or infinity in the head's attention output", source_->name(), number_,
         a.column(static_cast<int>(group * heads) + head));
  }
  if (task.columns) columns_.add(number, static_cast<int>(group * heads), scratch.columns.span(), positions);
}

void CpuBackend::sum(LayerSums& sums) {
  if (!attention().is_there()) return;
  const int heads = attention().heads, kv_heads = attention().kv_heads;
  pool_.parallel_for(heads + kv_heads,
                     [&](int64_t i, int) { i < heads ? sum_head(i, sums) : sum_values(i - heads, sums); });
  if (measure_ == Measure::columns) sums.tops = columns_.tops();
}

void CpuBackend::sum_head(int64_t head, LayerSums& sums) const {
  const int64_t heads = attention().heads;
  for (size_t r = 0; r < runs_.size(); ++r) {
    const RowRun& run = runs_[r];
    const auto at = [&](int64_t number) { return static_cast<size_t>(number * heads + head); };
    HeadSums& sum = sums.head_sums[at(static_cast<int64_t>(r))];
    if (run.parent >= 0) sum = sums.head_sums[at(run.parent)];
    for (int64_t row = run.first_row; row < run.first_row + run.count; ++row)
      sum.add(buffers_.row_stats[row * heads + head]);
    sums.last_output_norms[at(static_cast<int64_t>(r))] =
        buffers_.row_stats[(run.first_row + run.count - 1) * heads + head].output_norm;
  }
}

void CpuBackend::sum_values(int64_t kv_head, LayerSums& sums) const {
  const int64_t kv_heads = attention().kv_heads;
  for (size_t r = 0; r < runs_.size(); ++r) {
    const RowRun& run = runs_[r];
    const auto at = [&](int64_t number) { return static_cast<size_t>(number * kv_heads + kv_head); };
    const size_t own = at(static_cast<int64_t>(r));
    if (run.parent >= 0) {
      sums.value_norms[own] = sums.value_norms[at(run.parent)];
      sums.first_value_norms[own] = sums.first_value_norms[at(run.parent)];
    } else if (run.begin == 0) {
      sums.first_value_norms[own] = buffers_.value_norms[run.first_row * kv_heads + kv_head];
    }
    for (int64_t row = run.first_row; row < run.first_row + run.count; ++row)
      sums.value_norms[own] += buffers_.value_norms[row * kv_heads + kv_head];
  }
}

// attend() has left the outputs where the queries were.
void CpuBackend::add_outputs(std::span<const CountedRows> rows, std::span<int64_t> sums) {
  const AttentionSpec& a = attention();
  const int64_t dim = a.head_dim;
  pool_.parallel_for(a.heads, [&](int64_t head, int) {
    int64_t* sum = sums.data() + head * dim;
    for (const CountedRows& counted : rows) {
      for (int64_t r = counted.first_row; r < counted.first_row + counted.count; ++r) {
        const float* z = buffers_.qkv.data() + r * a.qkv_width() + head * dim;
        for (int64_t k = 0; k < dim; ++k) sum[k] += counted.weight * in_output_units(z[k]);
      }
    }
  });
}

// Into next_hidden.
void CpuBackend::finish_rows(const MaskTable& masks, std::span<const RowSource> rows) {
  const LayerTiles tiles = this->tiles();
  const auto scratch_of = [&](int thread) -> TileScratch& { return scratch_[static_cast<size_t>(thread)]; };
  const auto require_finite = [&](bool finite) {
    if (!finite)
      fail("{}: layer {}: NaN or infinity in the residual stream after the MLP", source_->name(), number_);
  };
  const int64_t count = std::ssize(rows);
  if (!layer_->mixture.is_there()) {
    pool_.parallel_for(tiles_of(count), [&](int64_t tile, int thread) {
      require_finite(tiles.finish(tile, masks, rows, scratch_of(thread)));
    });
    return;
  }
  pool_.parallel_for(tiles_of(count), [&](int64_t tile, int thread) {
    tiles.begin_mixture(tile, masks, rows, scratch_of(thread));
  });
  layer_->mixture.apply(buffers_.mlp_inputs.data(), buffers_.mlp_outputs.data(), count, pool_,
                        mixture_scratch_);
  pool_.parallel_for(tiles_of(count),
                     [&](int64_t tile, int) { require_finite(tiles.end_mixture(tile, count)); });
}

void CpuBackend::finish_layer(const MaskTable& masks, std::span<const RowSource> rows) {
  finish_rows(masks, rows);
  std::swap(buffers_.hidden, buffers_.next_hidden);
}

std::unique_ptr<SavedRows> CpuBackend::finish_layer_aside(const MaskTable& masks,
                                                          std::span<const RowSource> rows) {
  auto saved = std::make_unique<CpuSavedRows>();
  saved->rows = std::ssize(rows);
  saved->hidden.resize(saved->rows * spec_.hidden);
  const int64_t room = buffers_.next_hidden.size() / spec_.hidden;
  for (int64_t first = 0; first < saved->rows; first += room) {
    const int64_t count = std::min(room, saved->rows - first);
    finish_rows(masks, rows.subspan(static_cast<size_t>(first), static_cast<size_t>(count)));
    std::copy_n(buffers_.next_hidden.data(), count * spec_.hidden,
                saved->hidden.data() + first * spec_.hidden);
  }
  return saved;
}

// finish_layer() has left the rows in `hidden`, so `next_hidden` is free.
std::vector<RowScores> CpuBackend::score(std::span<const RowQuery> queries, float repetition_penalty) {
  const auto count = std::ssize(queries);
  const ScoredRows scored = {{buffers_.hidden.data(), count, spec_.hidden},
                             {buffers_.next_hidden.data(), whole_tiles(count), spec_.hidden}};
  return score_rows(weights_.head, scored, queries, pool_, repetition_penalty);
}

int64_t CpuBackend::cached_bytes(CacheContents contents) const {
  int64_t bytes = 0;
  for (const LayerSpec& layer : spec_.layers) {
    bytes +=
        layer.attention.kv_heads * idleheads::cached_bytes(layer.attention.head_dim, weights_.bf16_attention);
    if (contents.inputs) bytes += spec_.hidden * static_cast<int64_t>(sizeof(float));
    if (contents.columns) bytes += layer.attention.heads * static_cast<int64_t>(sizeof(double));
  }
  return bytes;
}

std::unique_ptr<RowCache> CpuBackend::make_cache(int layer, int64_t tokens, CacheContents contents) {
  const AttentionSpec& a = spec_.layers[static_cast<size_t>(layer)].attention;
  auto cache = std::make_unique<CpuRowCache>();
  cache->keys.resize(static_cast<size_t>(a.kv_heads));
  for (KeyCache& keys : cache->keys) reserve_keys(tokens, a.head_dim, weights_.bf16_attention, keys);
  cache->keeps_inputs = contents.inputs;
  if (contents.inputs) cache->inputs.reserve(tokens * spec_.hidden);
  cache->keeps_columns = contents.columns;
  if (contents.columns) cache->columns.resize(static_cast<size_t>(a.heads));
  return cache;
}

std::unique_ptr<SavedRows> CpuBackend::cached_inputs(std::span<const RowCache* const> caches) {
  auto saved = std::make_unique<CpuSavedRows>();
  for (const RowCache* cache : caches)
    saved->rows += static_cast<const CpuRowCache*>(cache)->inputs.size() / spec_.hidden;
  saved->hidden.resize(saved->rows * spec_.hidden);
  float* to = saved->hidden.data();
  for (const RowCache* cache : caches) {
    const AlignedBuffer<float>& inputs = static_cast<const CpuRowCache*>(cache)->inputs;
    to = std::copy_n(inputs.data(), inputs.size(), to);
  }
  return saved;
}

}  // namespace

std::unique_ptr<Backend> make_cpu_backend(std::unique_ptr<const WeightSource> source, ThreadPool& pool,
                                          const CpuOptions& options) {
  return std::make_unique<CpuBackend>(std::move(source), pool, options);
}

std::string cpu_description(Precision precision) {
  return fmt::format("{} products ({}), {} kernels{}", precision == Precision::bf16 ? "bf16" : "f32",
                     matmul_description(), simd_target(),
                     has_bf16_attention(precision) ? ", bf16 attention" : "");
}

}  // namespace idleheads
