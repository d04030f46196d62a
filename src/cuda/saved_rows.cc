#include "cuda/saved_rows.h"

#include <algorithm>

namespace idleheads::cuda {

PinnedBuffer<float> PinnedPool::take() {
  if (free_.empty()) return PinnedBuffer<float>(kRows * width_);
  PinnedBuffer<float> block = std::move(free_.back());
  free_.pop_back();
  return block;
}

CudaSavedRows::CudaSavedRows(std::shared_ptr<PinnedPool> pool, int64_t count) : pool_(std::move(pool)) {
  rows = count;
  for (int64_t first = 0; first < count; first += PinnedPool::kRows) blocks_.push_back(pool_->take());
}

CudaSavedRows::~CudaSavedRows() {
  for (PinnedBuffer<float>& block : blocks_) pool_->give_back(std::move(block));
}

// Calls use(place among the rows, their memory, bytes) for the part of rows [first, first + count) in each
// block.
template <typename Use>
void CudaSavedRows::for_blocks(int64_t first, int64_t count, const Use& use) const {
  const int64_t width = pool_->width(), end = first + count;
  for (int64_t row = first; row < end;) {
    const int64_t in_block = row % PinnedPool::kRows,
                  some = std::min(end - row, PinnedPool::kRows - in_block);
    float* memory = blocks_[static_cast<size_t>(row / PinnedPool::kRows)].data() + in_block * width;
    use((row - first) * width, memory, static_cast<size_t>(some * width) * sizeof(float));
    row += some;
  }
}

void CudaSavedRows::fetch(const float* from, int64_t first, int64_t count, Stream stream) {
  for_blocks(first, count, [&](int64_t place, float* memory, size_t bytes) {
    check(cudaMemcpyAsync(memory, from + place, bytes, cudaMemcpyDeviceToHost, stream), "a copy");
  });
  check(cudaStreamSynchronize(stream), "a copy");
}

void CudaSavedRows::put(float* to, Stream stream) const {
  for_blocks(0, rows, [&](int64_t place, const float* memory, size_t bytes) {
    check(cudaMemcpyAsync(to + place, memory, bytes, cudaMemcpyHostToDevice, stream), "a copy");
  });
  check(cudaStreamSynchronize(stream), "a copy");
}

}  // namespace idleheads::cuda
