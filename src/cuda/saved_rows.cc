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

void CudaSavedRows::fetch(const float* from, int64_t first, int64_t count, Stream stream) {
  const int64_t width = pool_->width();
  for (int64_t done = 0; done < count;) {
    const int64_t row = first + done, in_block = row % PinnedPool::kRows;
    const int64_t some = std::min(count - done, PinnedPool::kRows - in_block);
    float* to = blocks_[static_cast<size_t>(row / PinnedPool::kRows)].data() + in_block * width;
    check(cudaMemcpyAsync(to, from + done * width, static_cast<size_t>(some * width) * sizeof(float),
                          cudaMemcpyDeviceToHost, stream),
          "a copy");
    done += some;
  }
  check(cudaStreamSynchronize(stream), "a copy");
}

void CudaSavedRows::put(float* to, Stream stream) const {
  const int64_t width = pool_->width();
  for (int64_t first = 0; first < rows; first += PinnedPool::kRows) {
    const int64_t some = std::min(rows - first, PinnedPool::kRows);
    check(cudaMemcpyAsync(to + first * width, blocks_[static_cast<size_t>(first / PinnedPool::kRows)].data(),
                          static_cast<size_t>(some * width) * sizeof(float), cudaMemcpyHostToDevice, stream),
          "a copy");
  }
  check(cudaStreamSynchronize(stream), "a copy");
}

}  // namespace idleheads::cuda
