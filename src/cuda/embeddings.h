// Tokens become rows: the host gathers them from the file's table as it is stored, the device decodes them.
#pragma once

#include "base/thread_pool.h"
#include "cuda/memory.h"
#include "engine/weight_source.h"
#include "model/stored_matrix.h"

namespace idleheads::cuda {

class Embeddings {
 public:
  // `chunk`: rows at a time. The source and the pool must outlive this.
  Embeddings(const WeightSource& source, ThreadPool& pool, Stream stream, int64_t chunk);

  // hidden [tokens, hidden], on the device.
  void look_up(std::span<const int32_t> tokens, std::span<const int32_t> positions, float* hidden);

  int64_t bytes() const;  // of the device, at most

 private:
  void gather(std::span<const int32_t> tokens);

  const WeightSource& source_;
  ThreadPool& pool_;
  const Stream stream_;
  const int64_t chunk_;
  const StoredMatrix table_;          // [vocabulary, hidden]
  const int64_t row_bytes_;           // of the table
  PinnedBuffer<std::byte> gathered_;  // [chunk, row_bytes]
  DeviceBuffer<uint8_t> encoded_;     // the same
  DeviceBuffer<float> decoded_;       // [chunk, hidden]
  DeviceBuffer<float> of_positions_;  // [context, hidden], if there are any
  DeviceBuffer<int32_t> positions_;   // [chunk]
  DeviceBuffer<int> ignored_;         // NaN shows in the first layer
};

}  // namespace idleheads::cuda
