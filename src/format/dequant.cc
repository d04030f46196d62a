#include <cstring>
#include <stdexcept>
#include <type_traits>

#include "format/blocks.h"
#include "format/tensor.h"

namespace idleheads {
namespace {

using dequant::kGroup;

const uint8_t* bytes_of(std::span<const std::byte> data) {
  return reinterpret_cast<const uint8_t*>(data.data());
}

// Compiled without contraction of a*b+c (cmake/flags.cmake). Not inlined where dequantize() calls it, which
// would cost what __restrict tells the compiler: that a block's header stays as it is.
template <typename Type>
void decode(const uint8_t* __restrict data, size_t blocks, float* __restrict out) {
  if constexpr (std::is_same_v<Type, dequant::F32>) {
    std::memcpy(out, data, blocks * sizeof(float));
  } else if constexpr (Type::kElements == 1) {
    for (size_t i = 0; i < blocks; ++i) out[i] = Type::element(data + i * Type::kBytes);
  } else {
    for (size_t b = 0; b < blocks; ++b, data += Type::kBytes) {
      for (int g = 0; g < Type::kElements / kGroup; ++g, out += kGroup) Type::group(data, g, out);
    }
  }
}

}  // namespace

void dequantize(DType dtype, std::span<const std::byte> data, std::span<float> out) {
  const DTypeInfo& info = dtype_info(dtype);
  const auto block_bytes = static_cast<size_t>(info.block_bytes);
  const size_t blocks = data.size() / block_bytes;
  if (data.size() % block_bytes != 0 || out.size() != blocks * static_cast<size_t>(info.block_elements)) {
    throw std::logic_error("dequantize: the output does not have the size of the data's whole blocks");
  }
  if (blocks == 0) return;
  const auto decode_blocks =
      dequant::with_block_type(dtype, []<typename Type>(Type) { return &decode<Type>; });
  decode_blocks(bytes_of(data), blocks, out.data());
}

void dequantize_mxfp4(std::span<const std::byte> elements, std::span<const std::byte> scales,
                      std::span<float> out) {
  using Type = dequant::MXFP4ScaleApart;
  if (elements.size() != scales.size() * Type::kBytes || out.size() != scales.size() * Type::kElements)
    throw std::logic_error("dequantize_mxfp4: elements, scales and output do not fit each other");
  const uint8_t* packed = bytes_of(elements);
  float* to = out.data();
  for (const std::byte exponent : scales) {
    Type::group(packed, std::to_integer<uint8_t>(exponent), to);
    packed += Type::kBytes;
    to += Type::kElements;
  }
}

}  // namespace idleheads
