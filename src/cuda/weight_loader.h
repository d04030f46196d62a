// Brings weights to the device as the file holds them, and decodes them there.
#pragma once

#include <array>

#include "base/thread_pool.h"
#include "cuda/memory.h"
#include "model/stored_matrix.h"

namespace idleheads::cuda {

// Not for several threads at once.
class WeightLoader {
 public:
  // On this thread's device; half of the threads copy, beside those that compute.
  explicit WeightLoader(int threads);

  // `matrix` becomes [rows, columns] in Hugging Face's row order, in the order of stream(). The file's bytes
  // are read when this returns.
  template <typename Element>
  void load(const StoredMatrix& stored, DeviceBuffer<Element>& matrix);

  // Waits for what was loaded; false if any number of it, since the last call, was NaN or infinite.
  bool finish();

  const OwnStream& stream() const { return stream_; }

 private:
  template <typename Element>
  void load_rows(const StoredMatrix& stored, const StoredPart& part, int64_t first_row, Element* matrix);
  const uint8_t* to_device(std::span<const std::byte> bytes, DeviceBuffer<uint8_t>& there);

  // A file's pages cannot be pinned: some threads copy them into one of these while the other is on the bus.
  struct Piece {
    PinnedBuffer<std::byte> bytes;
    OwnEvent sent;
  };

  OwnStream stream_;
  ThreadPool copiers_;
  std::array<Piece, 2> pieces_;
  size_t next_piece_ = 0;
  DeviceBuffer<uint8_t> data_, scales_;  // of some rows, encoded
  DeviceBuffer<int32_t> order_;
  DeviceBuffer<int> bad_;
};

// Bytes of the device that a loader takes for rows as they are stored.
inline constexpr int64_t kLoaderBytes = int64_t{64} << 20;

}  // namespace idleheads::cuda
