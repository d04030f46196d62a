// Rows of the residual stream that wait, in the host's pinned memory. To take such memory is slower than to
// compute a layer, so that it goes back to a pool and not to the system.
#pragma once

#include <memory>
#include <vector>

#include "cuda/memory.h"
#include "engine/backend.h"

namespace idleheads::cuda {

class PinnedPool {
 public:
  static constexpr int64_t kRows = 1024;  // of a block

  explicit PinnedPool(int64_t width) : width_(width) {}

  int64_t width() const { return width_; }
  PinnedBuffer<float> take();  // [kRows, width]
  void give_back(PinnedBuffer<float> block) { free_.push_back(std::move(block)); }

 private:
  const int64_t width_;
  std::vector<PinnedBuffer<float>> free_;
};

class CudaSavedRows : public SavedRows {
 public:
  CudaSavedRows(std::shared_ptr<PinnedPool> pool, int64_t count);
  ~CudaSavedRows() override;

  // Rows [first, first + count) from the device. There when it returns.
  void fetch(const float* from, int64_t first, int64_t count, Stream stream);
  // All of them to the device, likewise.
  void put(float* to, Stream stream) const;

 private:
  template <typename Use>
  void for_blocks(int64_t first, int64_t count, const Use& use) const;

  const std::shared_ptr<PinnedPool> pool_;
  mutable std::vector<PinnedBuffer<float>> blocks_;
};

}  // namespace idleheads::cuda
