#include "format/dequant.h"

#include <array>
#include <stdexcept>

#include "format/tensor.h"

namespace idleheads {
namespace {

// In the order of the enum DType.
constexpr std::array<dequant::Decoder, 18> kDecoders = {
    dequant::f32,  dequant::f16,  dequant::bf16,   dequant::q4_0,   dequant::q4_1,  dequant::q5_0,
    dequant::q5_1, dequant::q8_0, dequant::q2_k,   dequant::q3_k,   dequant::q4_k,  dequant::q5_k,
    dequant::q6_k, dequant::q8_k, dequant::iq4_nl, dequant::iq4_xs, dequant::mxfp4, dequant::u8};

}  // namespace

void dequantize(DType dtype, std::span<const std::byte> data, std::span<float> out) {
  const DTypeInfo& info = dtype_info(dtype);
  const auto block_bytes = static_cast<size_t>(info.block_bytes);
  const size_t blocks = data.size() / block_bytes;
  if (data.size() % block_bytes != 0 || out.size() != blocks * static_cast<size_t>(info.block_elements)) {
    throw std::logic_error("dequantize: the output does not have the size of the data's whole blocks");
  }
  if (blocks == 0) return;
  kDecoders.at(static_cast<size_t>(dtype))(reinterpret_cast<const uint8_t*>(data.data()),
                                           static_cast<int64_t>(blocks), out.data());
}

}  // namespace idleheads
