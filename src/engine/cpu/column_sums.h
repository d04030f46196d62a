// How much weight each position of a sequence gets from all its rows, by head (Measure::columns).
#pragma once

#include <array>
#include <mutex>
#include <span>
#include <vector>

#include "base/matrix.h"
#include "base/thread_pool.h"
#include "engine/backend.h"
#include "engine/cpu/row_memory.h"

namespace idleheads {

// The sums of a run's rows are made by attend(), and added here to those of the runs before it. They are
// exact (AttentionTask::columns), so that it does not matter who adds first.
class ColumnSums {
 public:
  // Memory of a thread for the sums of runs at work together; what runs behind them need stays beside it.
  static constexpr int64_t kBytesOfThread = 1 << 20;

  explicit ColumnSums(int threads) : bytes_(threads * kBytesOfThread) {}

  // For the runs of a layer. `appends`: to caches that keep the sums.
  void begin(std::span<const RowRun> runs, std::span<const CacheAppend> appends, int heads);

  // Makes zeros for the next runs from `first` on, as many as there is memory for, and one at least; the
  // number of the first that is not among them.
  size_t open(size_t first);
  // Adds the weights [some heads, positions] of rows of an open run. Safe from several threads.
  void add(size_t run, int first_head, std::span<const double> part, int64_t positions);
  // The runs [first, end) are complete.
  void close(size_t first, size_t end, ThreadPool& pool);

  const std::vector<TopWeight>& tops() const { return tops_; }  // [runs, heads]

 private:
  int64_t end_of(size_t run) const { return runs_[run].begin + runs_[run].count; }
  std::span<double> of(size_t run, int head);
  void close_head(size_t run, int head);

  const int64_t bytes_;
  std::span<const RowRun> runs_;
  int heads_ = 0;
  std::vector<std::vector<CpuRowCache*>> keepers_;  // by run: the caches that keep its sums
  std::vector<AlignedBuffer<double>> sums_;  // by run: [heads, padded_positions]; given back where done
  std::vector<size_t> needed_until_;         // by run: the last run that continues it, else itself
  std::vector<TopWeight> tops_;
  std::array<std::mutex, 16> mutexes_;  // by run
};

}  // namespace idleheads
