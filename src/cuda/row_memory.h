// Rows that the device keeps for later: suspended ones, in the host's pinned memory, and caches of sequences.
#pragma once

#include <memory>

#include "cuda/attention.h"
#include "cuda/memory.h"
#include "engine/backend.h"

namespace idleheads::cuda {

struct CudaSavedRows : SavedRows {
  PinnedBuffer<float> hidden;  // [rows, hidden]
};

// Of one layer. Memory is for `capacity` tokens from the beginning.
template <typename Element>
struct CudaRowCache : RowCache {
  int64_t capacity = 0, count = 0;
  int64_t kv_width = 0, hidden = 0;
  int heads = 0;
  Stream stream = {};
  DeviceBuffer<Element> rows;    // [capacity, 2 kv_width]: keys, then values
  DeviceBuffer<float> inputs;    // [capacity, hidden], or empty
  DeviceBuffer<double> columns;  // [heads, padded_positions(capacity)], or empty

  std::unique_ptr<RowCache> clone() const override {
    auto copy = std::make_unique<CudaRowCache>();
    copy->capacity = capacity;
    copy->count = count;
    copy->kv_width = kv_width;
    copy->hidden = hidden;
    copy->heads = heads;
    copy->stream = stream;
    const auto duplicate = [&](const auto& from, auto& to) {
      to.resize(from.size());
      const auto bytes = static_cast<size_t>(from.size()) * sizeof(*from.data());
      if (bytes > 0)
        check(cudaMemcpyAsync(to.data(), from.data(), bytes, cudaMemcpyDeviceToDevice, stream), "a copy");
    };
    duplicate(rows, copy->rows);
    duplicate(inputs, copy->inputs);
    duplicate(columns, copy->columns);
    return copy;
  }
};

}  // namespace idleheads::cuda
