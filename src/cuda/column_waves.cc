#include "cuda/column_waves.h"

#include <algorithm>

#include "engine/run_tree.h"

namespace idleheads::cuda {

template <typename Element>
void ColumnWaves<Element>::begin(std::span<const RowRun> runs, std::span<const CacheAppend> appends,
                                 int heads, Stream stream) {
  runs_ = runs;
  heads_ = heads;
  stream_ = stream;
  kept_.clear();
  tops_.resize(std::ssize(runs) * heads);
  keepers_.assign(runs.size(), {});
  for (const CacheAppend& append : appends) {
    auto* cache = static_cast<CudaRowCache<Element>*>(append.cache);
    if (cache->columns.size() > 0) keepers_[static_cast<size_t>(append.run)].push_back(cache);
  }
  needed_until_ = last_children(runs);
}

template <typename Element>
size_t ColumnWaves<Element>::open(size_t first) {
  first_ = first;
  begins_.clear();
  std::vector<int32_t> widths;
  int64_t total = 0;
  size_t end = first;
  for (; end < runs_.size(); ++end) {
    const int64_t size = heads_ * width_of(end);
    if (end > first && (total + size) * static_cast<int64_t>(sizeof(double)) > kBytes) break;
    begins_.push_back(total);
    widths.push_back(static_cast<int32_t>(width_of(end)));
    total += size;
  }
  sums_.resize(total);
  check(cudaMemsetAsync(sums_.data(), 0, static_cast<size_t>(total) * sizeof(double), stream_), "zeros");
  std::vector<double*> pointers;
  for (const int64_t begin : begins_) pointers.push_back(sums_.data() + begin);
  upload(pointers, pointers_, stream_);
  upload(widths, widths_, stream_);
  return end;
}

// The sums that a run continues, and their width; nullptr: none.
template <typename Element>
const double* ColumnWaves<Element>::before(size_t run, int32_t& width) const {
  const RowRun& r = runs_[run];
  if (r.cache != nullptr) {
    const auto& cache = static_cast<const CudaRowCache<Element>&>(*r.cache);
    width = static_cast<int32_t>(padded_positions(cache.capacity()));
    return cache.columns.data();
  }
  if (r.parent < 0) return nullptr;
  const auto parent = static_cast<size_t>(r.parent);
  width = static_cast<int32_t>(width_of(parent));
  return parent >= first_ ? sums_.data() + begins_[parent - first_] : kept_.at(parent).data();
}

// Parents before their children: level by level.
template <typename Element>
void ColumnWaves<Element>::close(size_t first, size_t end) {
  for (const std::vector<int32_t>& level : levels_of(runs_, first, end)) {
    std::vector<ColumnRun> closing;
    for (const int32_t number : level) {
      const auto r = static_cast<size_t>(number);
      ColumnRun run;
      run.sums = sums_.data() + begins_[r - first];
      run.before = before(r, run.before_width);
      run.width = static_cast<int32_t>(width_of(r));
      run.positions = static_cast<int32_t>(runs_[r].begin + runs_[r].count);
      run.number = number;
      closing.push_back(run);
    }
    upload(closing, closing_, stream_);
    close_columns(closing_.data(), std::ssize(closing), heads_, tops_.data(), stream_);
  }
  keep(first, end);
}

template <typename Element>
void ColumnWaves<Element>::keep(size_t first, size_t end) {
  for (size_t r = first; r < end; ++r) {
    const double* sums = sums_.data() + begins_[r - first];
    const auto bytes = static_cast<size_t>(width_of(r)) * sizeof(double);
    for (CudaRowCache<Element>* cache : keepers_[r]) {
      const size_t pitch = static_cast<size_t>(padded_positions(cache->capacity())) * sizeof(double);
      check(cudaMemcpy2DAsync(cache->columns.data(), pitch, sums, bytes, bytes, static_cast<size_t>(heads_),
                              cudaMemcpyDeviceToDevice, stream_),
            "a copy");
    }
    if (needed_until_[r] < end) continue;
    DeviceBuffer<double>& kept = kept_[r];
    kept.resize(heads_ * width_of(r));
    check(cudaMemcpyAsync(kept.data(), sums, bytes * static_cast<size_t>(heads_), cudaMemcpyDeviceToDevice,
                          stream_),
          "a copy");
  }
  check(cudaStreamSynchronize(stream_), "a copy");
  std::erase_if(kept_, [&](const auto& entry) { return needed_until_[entry.first] < end; });
}

template <typename Element>
std::vector<TopWeight> ColumnWaves<Element>::tops() const {
  std::vector<TopWeight> tops(static_cast<size_t>(tops_.size()));
  download(tops_.data(), std::span(tops), stream_);
  return tops;
}

template class ColumnWaves<float>;
template class ColumnWaves<Bf16>;

}  // namespace idleheads::cuda
