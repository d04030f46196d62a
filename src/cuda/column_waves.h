// Sums of every position's weights (Measure::columns): runs are done in waves that memory holds; what later
// runs continue is kept.
#pragma once

#include <map>
#include <span>
#include <vector>

#include "cuda/device_types.h"
#include "cuda/memory.h"
#include "cuda/row_memory.h"
#include "cuda/sums.h"

namespace idleheads::cuda {

template <typename Element>
class ColumnWaves {
 public:
  static constexpr int64_t kBytes = 256 << 20;

  // For the runs of a layer. `appends`: to caches that keep the sums.
  void begin(std::span<const RowRun> runs, std::span<const CacheAppend> appends, int heads, Stream stream);
  // Makes zeros for the next runs from `first` on; the first that is not among them.
  size_t open(size_t first);
  // What AttendArguments asks for, by AttendItem::column_run = run - first.
  double* const* sums() const { return pointers_.data(); }
  const int32_t* widths() const { return widths_.data(); }
  // The runs [first, end) are complete.
  void close(size_t first, size_t end);

  std::vector<TopWeight> tops() const;  // [runs, heads]

 private:
  int64_t width_of(size_t run) const { return padded_positions(runs_[run].begin + runs_[run].count); }
  const double* before(size_t run, int32_t& width) const;
  void keep(size_t first, size_t end);

  std::span<const RowRun> runs_;
  int heads_ = 0;
  Stream stream_ = {};
  std::vector<std::vector<CudaRowCache<Element>*>> keepers_;  // by run
  std::vector<size_t> needed_until_;                          // by run
  size_t first_ = 0;                                          // of the wave
  std::vector<int64_t> begins_;                               // of the wave's runs in sums_
  DeviceBuffer<double> sums_;
  std::map<size_t, DeviceBuffer<double>> kept_;  // by run
  DeviceBuffer<double*> pointers_;
  DeviceBuffer<int32_t> widths_;
  DeviceBuffer<ColumnRun> closing_;
  mutable DeviceBuffer<TopWeight> tops_;
};

}  // namespace idleheads::cuda
