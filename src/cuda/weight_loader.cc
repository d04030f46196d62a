#include "cuda/weight_loader.h"

#include <algorithm>
#include <cstring>

#include "cuda/decode.h"

namespace idleheads::cuda {
namespace {

constexpr int64_t kPiece = int64_t{32} << 20;  // bytes on the bus at a time
constexpr int64_t kShare = int64_t{2} << 20;   // of a piece that a thread copies
constexpr int kCopiers = 8;                    // one alone is slower than the bus

}  // namespace

WeightLoader::WeightLoader(int threads) : copiers_(std::clamp(threads / 2, 1, kCopiers)), bad_(1) {
  check(cudaMemsetAsync(bad_.data(), 0, sizeof(int), stream_), "zeros");
}

const uint8_t* WeightLoader::to_device(std::span<const std::byte> bytes, DeviceBuffer<uint8_t>& there) {
  there.resize(std::ssize(bytes));
  for (int64_t at = 0; at < std::ssize(bytes); at += kPiece) {
    const int64_t size = std::min(kPiece, std::ssize(bytes) - at);
    Piece& piece = pieces_[next_piece_++ % pieces_.size()];
    piece.sent.wait();
    piece.bytes.resize(size);
    copiers_.parallel_for((size + kShare - 1) / kShare, [&](int64_t i, int) {
      const int64_t begin = i * kShare, count = std::min(kShare, size - begin);
      std::memcpy(piece.bytes.data() + begin, bytes.data() + at + begin, static_cast<size_t>(count));
    });
    check(cudaMemcpyAsync(there.data() + at, piece.bytes.data(), static_cast<size_t>(size),
                          cudaMemcpyHostToDevice, stream_),
          "a copy");
    piece.sent.record(stream_);
  }
  return there.data();
}

// A part's rows in pieces of whole rows. A transposed part has no such pieces.
template <typename Element>
void WeightLoader::load_rows(const StoredMatrix& stored, const StoredPart& part, int64_t first_row,
                             Element* matrix) {
  const int64_t row_bytes = std::ssize(part.data) / part.rows,
                row_scales = std::ssize(part.scales) / part.rows;
  const int64_t at_once = stored.transposed ? part.rows : std::max<int64_t>(1, kPiece / row_bytes);
  const int32_t* order = stored.order.empty() ? nullptr : order_.data();
  for (int64_t first = 0; first < part.rows; first += at_once) {
    const int64_t rows = std::min(at_once, part.rows - first);
    const auto of_rows = [&](std::span<const std::byte> bytes, int64_t of_row) {
      return bytes.subspan(static_cast<size_t>(first * of_row), static_cast<size_t>(rows * of_row));
    };
    EncodedPart encoded = {.dtype = part.dtype, .first_row = first_row + first, .rows = rows};
    encoded.data = to_device(of_rows(part.data, row_bytes), data_);
    if (!part.scales.empty()) encoded.scales = to_device(of_rows(part.scales, row_scales), scales_);
    decode(encoded, stored.columns, stored.transposed, order, matrix, bad_.data(), stream_);
  }
}

template <typename Element>
void WeightLoader::load(const StoredMatrix& stored, DeviceBuffer<Element>& matrix) {
  matrix.resize(stored.rows() * stored.columns);
  upload(stored.order, order_, stream_);
  int64_t first_row = 0;
  for (const StoredPart& part : stored.parts) {
    load_rows(stored, part, first_row, matrix.data());
    first_row += part.rows;
  }
}

bool WeightLoader::finish() {
  int bad = 0;
  download(bad_.data(), std::span(&bad, 1), stream_);
  check(cudaMemsetAsync(bad_.data(), 0, sizeof(int), stream_), "zeros");
  return bad == 0;
}

template void WeightLoader::load<float>(const StoredMatrix&, DeviceBuffer<float>&);
template void WeightLoader::load<Bf16>(const StoredMatrix&, DeviceBuffer<Bf16>&);

}  // namespace idleheads::cuda
