#include "engine/cpu/column_sums.h"

#include <algorithm>

#include "engine/cpu/attention.h"
#include "engine/run_tree.h"

namespace idleheads {

void ColumnSums::begin(std::span<const RowRun> runs, std::span<const CacheAppend> appends, int heads) {
  runs_ = runs;
  heads_ = heads;
  sums_.clear();
  sums_.resize(runs.size());
  tops_.assign(runs.size() * static_cast<size_t>(heads), {});
  keepers_.assign(runs.size(), {});
  for (const CacheAppend& append : appends) {
    auto* cache = static_cast<CpuRowCache*>(append.cache);
    if (cache->keeps_columns) keepers_[static_cast<size_t>(append.run)].push_back(cache);
  }
  needed_until_ = last_children(runs);
}

size_t ColumnSums::open(size_t first) {
  size_t end = first;
  for (int64_t bytes = 0; end < runs_.size(); ++end) {
    const int64_t size = heads_ * padded_positions(end_of(end));
    bytes += size * static_cast<int64_t>(sizeof(double));
    if (end > first && bytes > bytes_) break;
    sums_[end].resize(size);
    std::ranges::fill(sums_[end].span(), 0.0);
  }
  return end;
}

std::span<double> ColumnSums::of(size_t run, int head) {
  const auto width = static_cast<size_t>(padded_positions(end_of(run)));
  return sums_[run].span().subspan(static_cast<size_t>(head) * width, width);
}

// The part may end before the run does.
void ColumnSums::add(size_t run, int first_head, std::span<const double> part, int64_t positions) {
  const std::lock_guard lock(mutexes_[run % mutexes_.size()]);
  for (int h = 0; h * positions < std::ssize(part); ++h) {
    const std::span<double> sums = of(run, first_head + h);
    const double* from = part.data() + h * positions;
    for (int64_t p = 0; p < std::min(positions, std::ssize(sums)); ++p)
      sums[static_cast<size_t>(p)] += from[p];
  }
}

void ColumnSums::close_head(size_t run, int head) {
  const std::span<double> sums = of(run, head);
  const auto continue_from = [&](std::span<const double> before) {
    const size_t count = std::min(before.size(), sums.size());
    for (size_t p = 0; p < count; ++p) sums[p] += before[p];
  };
  if (runs_[run].parent >= 0) continue_from(of(static_cast<size_t>(runs_[run].parent), head));
  if (runs_[run].cache) {
    const auto& cache = static_cast<const CpuRowCache&>(*runs_[run].cache);
    continue_from(cache.columns[static_cast<size_t>(head)]);
  }
  const auto top = std::max_element(sums.begin(), sums.begin() + end_of(run));
  tops_[run * static_cast<size_t>(heads_) + static_cast<size_t>(head)] = {*top, top - sums.begin()};
  for (CpuRowCache* cache : keepers_[run])
    cache->columns[static_cast<size_t>(head)].assign(sums.begin(), sums.begin() + end_of(run));
}

void ColumnSums::close(size_t first, size_t end, ThreadPool& pool) {
  pool.parallel_for(heads_, [&](int64_t head, int) {
    for (size_t run = first; run < end; ++run) close_head(run, static_cast<int>(head));
  });
  for (size_t run = 0; run < end; ++run) {
    if (needed_until_[run] < end) sums_[run] = {};
  }
}

}  // namespace idleheads
