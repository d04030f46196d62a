#include "cuda/cuda_backend.h"

#include <fmt/format.h>

#include <algorithm>
#include <type_traits>

#include "cuda/column_waves.h"
#include "cuda/device_model.h"
#include "cuda/embeddings.h"
#include "cuda/layer_rows.h"
#include "cuda/products.h"
#include "cuda/rope_tables.h"
#include "cuda/row_memory.h"
#include "cuda/saved_rows.h"
#include "cuda/score_rows.h"
#include "cuda/sums.h"
#include "engine/run_tree.h"

namespace idleheads::cuda {
namespace {

// Of the device's free memory: what rows and weights leave for libraries and pieces.
constexpr double kUsable = 0.92;
constexpr int64_t kHostShare = int64_t{16} << 30;  // for rows that wait, without a bound
constexpr int64_t kWithoutBound = int64_t{1} << 40;

int64_t free_memory() {
  size_t free = 0, total = 0;
  check(cudaMemGetInfo(&free, &total), "the free memory");
  return static_cast<int64_t>(free);
}

template <typename Element>
class CudaBackend : public Backend {
 public:
  CudaBackend(std::unique_ptr<const WeightSource> source, ThreadPool& pool, const DeviceOptions& options)
      : source_(std::move(source)),
        spec_(source_->spec()),
        chunk_(options.chunk),
        streams_(plan(options)),
        model_(load_model<Element>(*source_, pool, options.device, streams_)),
        embeddings_(*source_, pool, stream_, options.chunk),
        layer_rows_(spec_, pool, stream_, options.chunk),
        score_rows_(spec_, stream_),
        pinned_(std::make_shared<PinnedPool>(spec_.hidden)) {
    choose_limits(options);
    bad_.resize(1);
  }

  RowLimits limits() const override { return limits_; }
  RowLimits generation_limits() const override {
    RowLimits limits = limits_;
    limits.rows = std::max<int64_t>(1, limits.rows / 2);
    limits.cache_bytes = limits.rows * row_bytes();
    return limits;
  }
  // Of the device's memory.
  int64_t memory_of(int64_t rows) const override {
    const WeightBytes weights = weight_bytes(spec_, sizeof(Element));
    return (streams_ ? weights.streamed : weights.all) + embeddings_.bytes() + layer_rows_.bytes() +
           std::min(rows, limits_.rows) * row_bytes();
  }
  int64_t cached_bytes(CacheContents contents) const override;
  bool streams_weights() const override { return streams_; }

  void reserve(int64_t rows) override;
  void release() override;
  void embed(std::span<const int32_t> tokens, std::span<const int32_t> positions) override;
  std::unique_ptr<SavedRows> save(std::span<const int64_t> rows) override;
  void restore(const SavedRows& saved) override;

  void begin_layer(int layer, std::span<const RowRun> runs, Measure measure) override;
  void project() override;
  void append(std::span<const CacheAppend> appends) override;
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
  const AttentionSpec& attention() const { return layer_->spec.attention; }
  bool plan(const DeviceOptions& options);
  void choose_limits(const DeviceOptions& options);
  int64_t row_bytes() const;
  void attend_runs(size_t first, size_t end);
  void add_items(size_t run, size_t first_of_wave, std::vector<KeyRun>& keys,
                 std::vector<AttendItem>& items) const;
  void append_run(const RowRun& run, bool whole, CudaRowCache<Element>& cache);
  void finish_rows(const MaskTable& masks, std::span<const RowSource> rows);
  int take_bad();

  const std::unique_ptr<const WeightSource> source_;
  const ModelSpec& spec_;
  const int64_t chunk_;
  OwnStream stream_;
  const bool streams_;
  DeviceModel<Element> model_;
  Embeddings embeddings_;
  LayerRows<Element> layer_rows_;
  ScoreRows<Element> score_rows_;
  RowLimits limits_;
  const std::shared_ptr<PinnedPool> pinned_;

  DeviceBuffer<float> hidden_, next_;  // [rows, hidden]
  DeviceBuffer<Element> qkv_;          // [rows, qkv_width]; z replaces Q
  DeviceBuffer<HeadRow> row_stats_;    // [rows, heads]
  DeviceBuffer<float> value_norms_;    // [rows, kv_heads]
  DeviceBuffer<float> gathered_;       // [a chunk of rows, hidden]
  DeviceBuffer<int64_t> row_numbers_;
  DeviceBuffer<int> bad_;

  // Of the layer at work.
  int number_ = 0;
  std::shared_ptr<const DeviceLayer<Element>> layer_;
  std::vector<RowRun> runs_;
  std::vector<CacheAppend> appends_;
  int64_t rows_ = 0;
  Measure measure_ = Measure::nothing;
  RopeTables ropes_;
  DeviceBuffer<int32_t> positions_;  // [rows]
  DeviceBuffer<KeyRun> keys_;
  DeviceBuffer<AttendItem> items_;
  ColumnWaves<Element> columns_;
  DeviceBuffer<SummedRun> summed_runs_;
  DeviceBuffer<int32_t> level_;
  DeviceBuffer<HeadSums> head_sums_;
  DeviceBuffer<double> value_sums_;
  DeviceBuffer<float> first_value_norms_, last_output_norms_;
  DeviceBuffer<CountedRows> counted_;
  DeviceBuffer<int64_t> output_sums_;
};

// Whether the weights are streamed.
template <typename Element>
bool CudaBackend<Element>::plan(const DeviceOptions& options) {
  for (size_t l = 0; l < spec_.layers.size(); ++l) {
    const int dim = spec_.layers[l].attention.head_dim;
    if (dim > 256)
      fail("{}: layer {}: heads of {} numbers; CUDA kernels have at most 256", source_->name(), l, dim);
  }
  const int64_t bound = options.memory > 0 ? std::min(options.memory, free_memory()) : free_memory();
  return options.stream || weight_bytes(spec_, sizeof(Element)).all > bound / 2;
}

template <typename Element>
void CudaBackend<Element>::choose_limits(const DeviceOptions& options) {
  int64_t left = static_cast<int64_t>(kUsable * static_cast<double>(free_memory()));
  if (options.memory > 0) {
    const WeightBytes weights = weight_bytes(spec_, sizeof(Element));
    left = std::min(left, options.memory - (streams_ ? weights.streamed : weights.all));
  }
  left -= embeddings_.bytes() + layer_rows_.bytes() + ColumnWaves<Element>::kBytes;
  limits_.rows = left / row_bytes();
  if (limits_.rows < chunk_) {
    fail(
        "the device has memory for {} rows beside the weights, expected {} at least; raise --gpu-memory, or "
        "use "
        "--device cpu",
        std::max<int64_t>(0, limits_.rows), chunk_);
  }
  if (options.rows > 0) limits_.rows = std::min(limits_.rows, options.rows);
  const int64_t host = options.host_memory > 0 ? options.host_memory : kHostShare;
  limits_.waiting = host / (spec_.hidden * static_cast<int64_t>(sizeof(float)));
  if (options.rows > 0) limits_.waiting = std::min(limits_.waiting, options.rows);
}

template <typename Element>
int64_t CudaBackend<Element>::row_bytes() const {
  int64_t widest = 0;
  for (const LayerSpec& layer : spec_.layers) widest = std::max<int64_t>(widest, layer.attention.qkv_width());
  return 2 * spec_.hidden * static_cast<int64_t>(sizeof(float)) +
         widest * static_cast<int64_t>(sizeof(Element)) +
         spec_.most_heads() * static_cast<int64_t>(sizeof(HeadRow)) +
         spec_.most_kv_heads() * static_cast<int64_t>(sizeof(float)) +
         static_cast<int64_t>(sizeof(RowSource)) + 64;
}

template <typename Element>
void CudaBackend<Element>::reserve(int64_t rows) {
  int64_t widest = 0;
  for (const LayerSpec& layer : spec_.layers) widest = std::max<int64_t>(widest, layer.attention.qkv_width());
  hidden_.resize(rows * spec_.hidden);
  next_.resize(rows * spec_.hidden);
  qkv_.resize(rows * widest);
  row_stats_.resize(rows * spec_.most_heads());
  value_norms_.resize(rows * spec_.most_kv_heads());
}

template <typename Element>
void CudaBackend<Element>::release() {
  hidden_ = {};
  next_ = {};
  qkv_ = {};
  row_stats_ = {};
  value_norms_ = {};
}

template <typename Element>
void CudaBackend<Element>::embed(std::span<const int32_t> tokens, std::span<const int32_t> positions) {
  embeddings_.look_up(tokens, positions, hidden_.data());
}

template <typename Element>
std::unique_ptr<SavedRows> CudaBackend<Element>::save(std::span<const int64_t> rows) {
  auto saved = std::make_unique<CudaSavedRows>(pinned_, std::ssize(rows));
  for (int64_t first = 0; first < saved->rows; first += chunk_) {
    const int64_t count = std::min(chunk_, saved->rows - first);
    row_numbers_.resize(count);
    gathered_.resize(count * spec_.hidden);
    upload(rows.subspan(static_cast<size_t>(first), static_cast<size_t>(count)), row_numbers_.data(),
           stream_);
    gather_rows(hidden_.data(), row_numbers_.data(), spec_.hidden, count, gathered_.data(), stream_);
    saved->fetch(gathered_.data(), first, count, stream_);
  }
  return saved;
}

template <typename Element>
void CudaBackend<Element>::restore(const SavedRows& saved) {
  static_cast<const CudaSavedRows&>(saved).put(hidden_.data(), stream_);
}

template <typename Element>
void CudaBackend<Element>::begin_layer(int layer, std::span<const RowRun> runs, Measure measure) {
  number_ = layer;
  measure_ = measure;
  layer_ = nullptr;  // before the next is asked for: streamed weights have memory for two
  stream_.wait();    // for kernels that still read them, where a run has failed
  layer_ = model_.layers.get(layer);
  runs_.assign(runs.begin(), runs.end());
  appends_.clear();
  rows_ = 0;
  for (const RowRun& run : runs) rows_ = std::max(rows_, run.first_row + run.count);
  std::vector<int32_t> positions(static_cast<size_t>(rows_));
  for (const RowRun& run : runs) {
    for (int64_t i = 0; i < run.count; ++i)
      positions[static_cast<size_t>(run.first_row + i)] = static_cast<int32_t>(run.begin + i);
  }
  upload(positions, positions_, stream_);
  ropes_.choose(spec_, attention().rope, runs_, stream_);
}

template <typename Element>
void CudaBackend<Element>::project() {
  if (!attention().is_there()) return;
  layer_rows_.project(*layer_, {hidden_.data(), rows_, positions_.data(), &ropes_},
                      measure_ != Measure::nothing ? value_norms_.data() : nullptr, qkv_.data());
}

template <typename Element>
void CudaBackend<Element>::append_run(const RowRun& run, bool whole, CudaRowCache<Element>& cache) {
  if (whole && run.parent >= 0) append_run(runs_[static_cast<size_t>(run.parent)], whole, cache);
  const AttentionSpec& a = attention();
  cache.append(qkv_.data() + run.first_row * a.qkv_width() + a.query_width(), a.qkv_width(),
               hidden_.data() + run.first_row * spec_.hidden, run.count);
}

template <typename Element>
void CudaBackend<Element>::append(std::span<const CacheAppend> appends) {
  appends_.assign(appends.begin(), appends.end());
  for (const CacheAppend& entry : appends)
    append_run(runs_[static_cast<size_t>(entry.run)], entry.whole,
               static_cast<CudaRowCache<Element>&>(*entry.cache));
}

template <typename Element>
void CudaBackend<Element>::add_items(size_t number, size_t first_of_wave, std::vector<KeyRun>& keys,
                                     std::vector<AttendItem>& items) const {
  const AttentionSpec& a = attention();
  const RowRun& run = runs_[number];
  const auto first_key = static_cast<int32_t>(keys.size());
  if (run.cache != nullptr) {
    keys.push_back(static_cast<const CudaRowCache<Element>&>(*run.cache).keys());
  } else {
    for (const RowRun* part = &run; part != nullptr;
         part = part->parent >= 0 ? &runs_[static_cast<size_t>(part->parent)] : nullptr) {
      keys.push_back({qkv_.data() + part->first_row * a.qkv_width() + a.query_width(), a.qkv_width(),
                      a.kv_width(), part->count});
    }
    std::reverse(keys.begin() + first_key, keys.end());
  }
  const int64_t parts = layer_->attends_by_mma() ? mma_parts_of(run.count, a.group_size(), a.head_dim)
                                                 : parts_of(run.count, a.group_size());
  for (int group = 0; group < a.kv_heads; ++group) {
    for (int64_t part = 0; part < parts; ++part) {
      items.push_back({run.first_row, static_cast<int32_t>(run.begin), static_cast<int32_t>(run.count), group,
                       static_cast<int32_t>(part), first_key, static_cast<int32_t>(number - first_of_wave)});
    }
  }
}

template <typename Element>
void CudaBackend<Element>::attend_runs(size_t first, size_t end) {
  const AttentionSpec& a = attention();
  std::vector<KeyRun> keys;
  std::vector<AttendItem> items;
  for (size_t run = first; run < end; ++run) add_items(run, first, keys, items);
  upload(keys, keys_, stream_);
  upload(items, items_, stream_);
  AttendArguments arguments;
  arguments.queries = qkv_.data();
  arguments.width = a.qkv_width();
  arguments.items = items_.data();
  arguments.keys = keys_.data();
  arguments.heads = a.heads;
  arguments.kv_heads = a.kv_heads;
  arguments.head_dim = a.head_dim;
  arguments.scale = a.scale;
  arguments.window = static_cast<int>(std::min<int64_t>(a.window, 1 << 30));
  arguments.soft_cap = a.soft_cap;
  arguments.sinks = a.sinks ? layer_->sinks.data() : nullptr;
  arguments.factors = layer_->factors->plain.data();
  arguments.stats = measure_ != Measure::nothing ? row_stats_.data() : nullptr;
  arguments.bad = bad_.data();
  if (measure_ == Measure::columns) {
    arguments.columns = columns_.sums();
    arguments.column_widths = columns_.widths();
  }
  if (layer_->attends_by_mma()) {
    arguments.factors = layer_->factors->fragments.data();
    attend_mma(arguments, std::ssize(items), stream_);
  } else {
    cuda::attend<Element>(arguments, std::ssize(items), stream_);
  }
}

// The flag that kernels may have set since it was last taken.
template <typename Element>
int CudaBackend<Element>::take_bad() {
  int bad = 0;
  download(bad_.data(), std::span(&bad, 1), stream_);
  check(cudaMemsetAsync(bad_.data(), 0, sizeof(int), stream_), "zeros");
  return bad;
}

template <typename Element>
void CudaBackend<Element>::attend() {
  if (!attention().is_there()) return;
  check(cudaMemsetAsync(bad_.data(), 0, sizeof(int), stream_), "zeros");
  if (measure_ != Measure::columns) {
    attend_runs(0, runs_.size());
  } else {
    columns_.begin(runs_, appends_, attention().heads, stream_);
    for (size_t first = 0, end = 0; first < runs_.size(); first = end) {
      end = columns_.open(first);
      attend_runs(first, end);
      columns_.close(first, end);
    }
  }
  if (const int bad = take_bad(); bad != 0) {
    fail("{}: layer {} head {}: NaN or infinity in the head's attention output", source_->name(), number_,
         attention().column(bad - 1));
  }
}

template <typename Element>
void CudaBackend<Element>::sum(LayerSums& sums) {
  if (!attention().is_there()) return;
  upload(sums.head_sums, head_sums_, stream_);
  upload(sums.value_norms, value_sums_, stream_);
  upload(sums.first_value_norms, first_value_norms_, stream_);
  upload(sums.last_output_norms, last_output_norms_, stream_);
  std::vector<SummedRun> runs;
  for (const RowRun& run : runs_) runs.push_back({run.first_row, run.count, run.begin, run.parent});
  upload(runs, summed_runs_, stream_);
  const SumArguments arguments = {summed_runs_.data(), attention().heads,         attention().kv_heads,
                                  row_stats_.data(),   value_norms_.data(),       head_sums_.data(),
                                  value_sums_.data(),  first_value_norms_.data(), last_output_norms_.data()};
  for (const std::vector<int32_t>& level : levels_of(runs_, 0, runs_.size())) {
    upload(level, level_, stream_);
    sum_runs(arguments, level_.data(), std::ssize(level), stream_);
  }
  download(head_sums_.data(), std::span(sums.head_sums), stream_);
  download(value_sums_.data(), std::span(sums.value_norms), stream_);
  download(first_value_norms_.data(), std::span(sums.first_value_norms), stream_);
  download(last_output_norms_.data(), std::span(sums.last_output_norms), stream_);
  if (measure_ == Measure::columns) sums.tops = columns_.tops();
}

// attend() has left the outputs where the queries were.
template <typename Element>
void CudaBackend<Element>::add_outputs(std::span<const CountedRows> rows, std::span<int64_t> sums) {
  constexpr int64_t kPiece = 256;
  std::vector<CountedRows> pieces;
  for (const CountedRows& counted : rows) {
    for (int64_t first = 0; first < counted.count; first += kPiece)
      pieces.push_back({counted.first_row + first, std::min(kPiece, counted.count - first), counted.weight});
  }
  std::vector<int64_t> host(sums.begin(), sums.end());
  upload(pieces, counted_, stream_);
  upload(host, output_sums_, stream_);
  sum_outputs(qkv_.data(), attention().qkv_width(), attention().query_width(), counted_.data(),
              std::ssize(pieces), output_sums_.data(), stream_);
  download(output_sums_.data(), std::span(host), stream_);
  std::ranges::copy(host, sums.begin());
}

// Into next_.
template <typename Element>
void CudaBackend<Element>::finish_rows(const MaskTable& masks, std::span<const RowSource> rows) {
  check(cudaMemsetAsync(bad_.data(), 0, sizeof(int), stream_), "zeros");
  layer_rows_.finish(*layer_, masks, rows, hidden_.data(), qkv_.data(), next_.data(), bad_.data());
  if (take_bad() != 0)
    fail("{}: layer {}: NaN or infinity in the residual stream after the MLP", source_->name(), number_);
}

template <typename Element>
void CudaBackend<Element>::finish_layer(const MaskTable& masks, std::span<const RowSource> rows) {
  finish_rows(masks, rows);
  std::swap(hidden_, next_);
}

template <typename Element>
std::unique_ptr<SavedRows> CudaBackend<Element>::finish_layer_aside(const MaskTable& masks,
                                                                    std::span<const RowSource> rows) {
  auto saved = std::make_unique<CudaSavedRows>(pinned_, std::ssize(rows));
  const int64_t room = next_.size() / spec_.hidden;
  for (int64_t first = 0; first < saved->rows; first += room) {
    const int64_t count = std::min(room, saved->rows - first);
    finish_rows(masks, rows.subspan(static_cast<size_t>(first), static_cast<size_t>(count)));
    saved->fetch(next_.data(), first, count, stream_);
  }
  return saved;
}

// finish_layer() has left the rows in hidden_, so next_ is free.
template <typename Element>
std::vector<RowScores> CudaBackend<Element>::score(std::span<const RowQuery> queries,
                                                   float repetition_penalty) {
  return score_rows_.score(model_, hidden_.data(), reinterpret_cast<Element*>(next_.data()), queries,
                           repetition_penalty);
}

template <typename Element>
int64_t CudaBackend<Element>::cached_bytes(CacheContents contents) const {
  int64_t bytes = 0;
  for (const LayerSpec& layer : spec_.layers) {
    bytes += 2 * layer.attention.kv_width() * static_cast<int64_t>(sizeof(Element));
    if (contents.inputs) bytes += spec_.hidden * static_cast<int64_t>(sizeof(float));
    if (contents.columns) bytes += layer.attention.heads * static_cast<int64_t>(sizeof(double));
  }
  return bytes;
}

template <typename Element>
std::unique_ptr<RowCache> CudaBackend<Element>::make_cache(int layer, int64_t tokens,
                                                           CacheContents contents) {
  const AttentionSpec& a = spec_.layers[static_cast<size_t>(layer)].attention;
  return std::make_unique<CudaRowCache<Element>>(a, spec_.hidden, tokens, contents, stream_);
}

template <typename Element>
std::unique_ptr<SavedRows> CudaBackend<Element>::cached_inputs(std::span<const RowCache* const> caches) {
  const auto rows_of = [](const RowCache* cache) -> const CudaRowCache<Element>& {
    return static_cast<const CudaRowCache<Element>&>(*cache);
  };
  int64_t rows = 0;
  for (const RowCache* cache : caches) rows += rows_of(cache).count();
  auto saved = std::make_unique<CudaSavedRows>(pinned_, rows);
  int64_t first = 0;
  for (const RowCache* cache : caches) {
    saved->fetch(rows_of(cache).inputs(), first, rows_of(cache).count(), stream_);
    first += rows_of(cache).count();
  }
  return saved;
}

}  // namespace

std::unique_ptr<Backend> make_cuda_backend(std::unique_ptr<const WeightSource> source, ThreadPool& pool,
                                           const DeviceOptions& options) {
  int devices = 0;
  check(cudaGetDeviceCount(&devices), "the list of devices");
  if (options.device < 0 || options.device >= devices)
    fail_usage("--device cuda:{}: there is no such device; there are {}", options.device, devices);
  use_device(options.device);
  if (options.precision == Precision::f32)
    return std::make_unique<CudaBackend<float>>(std::move(source), pool, options);
  return std::make_unique<CudaBackend<Bf16>>(std::move(source), pool, options);
}

}  // namespace idleheads::cuda
