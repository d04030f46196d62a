// Caches of sequences, which the device keeps.
#pragma once

#include <memory>

#include "cuda/attention.h"
#include "cuda/device_types.h"
#include "cuda/memory.h"
#include "engine/backend.h"
#include "idleheads/model/spec.h"

namespace idleheads::cuda {

// Of one layer, with memory for `capacity` tokens from the beginning.
template <typename Element>
class CudaRowCache : public RowCache {
 public:
  CudaRowCache(const AttentionSpec& attention, int64_t hidden, int64_t tokens, CacheContents contents,
               Stream stream);
  std::unique_ptr<RowCache> clone() const override;

  // Rows of a layer behind those that are there: keys and values side by side every `stride` elements from
  // `keys` on, and the layer's inputs, which are dense.
  void append(const Element* keys, int64_t stride, const float* inputs, int64_t rows);
  // Of all rows.
  KeyRun keys() const { return {rows_.data(), 2 * kv_width_, kv_width_, count_}; }
  const float* inputs() const { return inputs_.data(); }  // [count, hidden], if they are kept

  int64_t count() const { return count_; }
  int64_t capacity() const { return capacity_; }
  // [heads, padded_positions(capacity)]: sums of weights (ColumnWaves); empty where they are not kept.
  DeviceBuffer<double> columns;

 private:
  CudaRowCache() = default;

  int64_t capacity_ = 0, count_ = 0, kv_width_ = 0, hidden_ = 0;
  Stream stream_ = {};
  DeviceBuffer<Element> rows_;  // [capacity, 2 kv_width]
  DeviceBuffer<float> inputs_;  // [capacity, hidden], or empty
};

}  // namespace idleheads::cuda
