#include "cuda/decode.h"
#include "cuda/device.h"
#include "format/blocks.h"

namespace idleheads::cuda {
namespace {

using dequant::kGroup;

constexpr int kThreads = 128;
constexpr int kStride = kGroup + 1;  // of groups in shared memory, so that threads write to different banks

// The part's stored rows one behind the other. decode(): elements [first, first + count), one group, or what
// there is of the last one of a plain type.
template <typename Type>
struct Groups {
  const uint8_t* data;

  IH_DEVICE void decode(int64_t first, int count, float* out) const {
    if constexpr (Type::kElements == 1) {
      const uint8_t* from = data + first * Type::kBytes;
      for (int i = 0; i < count; ++i) out[i] = Type::element(from + i * Type::kBytes);
    } else {
      const int64_t block = first / Type::kElements;
      const auto group = static_cast<int>(first % Type::kElements / kGroup);
      Type::group(data + block * Type::kBytes, group, out);
    }
  }
};

template <>
struct Groups<dequant::MXFP4ScaleApart> {
  using Type = dequant::MXFP4ScaleApart;

  const uint8_t* data;
  const uint8_t* scales;

  IH_DEVICE void decode(int64_t first, int, float* out) const {
    const int64_t block = first / kGroup;
    Type::group(data + block * Type::kBytes, scales[block], out);
  }
};

template <typename Element>
struct Target {
  int64_t first_row, rows, columns;
  bool transposed;
  const int32_t* order;
  Element* matrix;
  int* bad;

  // Of the part's rows as they are stored.
  IH_DEVICE int64_t width() const { return transposed ? rows : columns; }

  IH_DEVICE void write(int64_t stored_row, int64_t stored_column, float value) const {
    const int64_t place = first_row + (transposed ? stored_column : stored_row);
    const int64_t row = order != nullptr ? order[place] : place;
    if (!(fabsf(value) <= 3.402823466e38f)) *bad = 1;  // the largest float32; NaN is not less
    matrix[row * columns + (transposed ? stored_row : stored_column)] = from_float<Element>(value);
  }
};

// kThreads consecutive groups a block, one a thread, written in the order of their elements, so that what the
// threads write together lies together in the matrix.
template <typename Source, typename Element>
__global__ void decode_kernel(Source source, Target<Element> target) {
  auto* values = shared_memory<float>();  // [kThreads][kStride]
  const auto me = static_cast<int>(threadIdx.x);
  const int64_t count = target.rows * target.columns;
  const int64_t begin = int64_t{blockIdx.x} * kThreads * kGroup, mine = begin + me * kGroup;
  if (mine < count) {
    const int64_t left = count - mine;
    source.decode(mine, left < kGroup ? static_cast<int>(left) : kGroup, values + me * kStride);
  }
  __syncthreads();
  const int64_t row = begin / target.width();  // the only division of 64 bits, which are slow
  const auto width = static_cast<uint32_t>(target.width());
  const auto column = static_cast<uint32_t>(begin - row * target.width());
  for (int i = me; i < kThreads * kGroup && begin + i < count; i += kThreads) {
    const uint32_t place = column + static_cast<uint32_t>(i);
    target.write(row + place / width, place % width, values[i / kGroup * kStride + i % kGroup]);
  }
}

template <typename Source, typename Element>
void start_decode(const Source& source, const Target<Element>& target, Stream stream) {
  constexpr int64_t kOfABlock = int64_t{kThreads} * kGroup;
  start(decode_kernel<Source, Element>, (target.rows * target.columns + kOfABlock - 1) / kOfABlock, kThreads,
        size_t{kThreads} * kStride * sizeof(float), stream, source, target);
}

template <typename Element>
void start_decode_of(const EncodedPart& part, const Target<Element>& target, Stream stream) {
  if (part.scales != nullptr)
    return start_decode(Groups<dequant::MXFP4ScaleApart>{part.data, part.scales}, target, stream);
  dequant::with_block_type(
      part.dtype, [&]<typename Type>(Type) { start_decode(Groups<Type>{part.data}, target, stream); });
}

}  // namespace

template <typename Element>
void decode(const EncodedPart& part, int64_t columns, bool transposed, const int32_t* order, Element* matrix,
            int* bad, Stream stream) {
  const Target<Element> target = {part.first_row, part.rows, columns, transposed, order, matrix, bad};
  start_decode_of(part, target, stream);
}
template void decode<float>(const EncodedPart&, int64_t, bool, const int32_t*, float*, int*, Stream);
template void decode<Bf16>(const EncodedPart&, int64_t, bool, const int32_t*, Bf16*, int*, Stream);

}  // namespace idleheads::cuda
