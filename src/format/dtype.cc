#include <array>

#include "format/blocks.h"
#include "format/tensor.h"

namespace idleheads {
namespace {

template <typename Type>
constexpr DTypeInfo info(DType dtype, std::string_view name) {
  return {dtype, name, Type::kElements, Type::kBytes};
}

// In the order of the enum.
constexpr std::array<DTypeInfo, 18> kTypes = {{
    info<dequant::F32>(DType::f32, "F32"),
    info<dequant::F16>(DType::f16, "F16"),
    info<dequant::BF16>(DType::bf16, "BF16"),
    info<dequant::Q4_0>(DType::q4_0, "Q4_0"),
    info<dequant::Q4_1>(DType::q4_1, "Q4_1"),
    info<dequant::Q5_0>(DType::q5_0, "Q5_0"),
    info<dequant::Q5_1>(DType::q5_1, "Q5_1"),
    info<dequant::Q8_0>(DType::q8_0, "Q8_0"),
    info<dequant::Q2_K>(DType::q2_k, "Q2_K"),
    info<dequant::Q3_K>(DType::q3_k, "Q3_K"),
    info<dequant::Q4_K>(DType::q4_k, "Q4_K"),
    info<dequant::Q5_K>(DType::q5_k, "Q5_K"),
    info<dequant::Q6_K>(DType::q6_k, "Q6_K"),
    info<dequant::Q8_K>(DType::q8_k, "Q8_K"),
    info<dequant::IQ4_NL>(DType::iq4_nl, "IQ4_NL"),
    info<dequant::IQ4_XS>(DType::iq4_xs, "IQ4_XS"),
    info<dequant::MXFP4>(DType::mxfp4, "MXFP4"),
    info<dequant::U8>(DType::u8, "U8"),
}};

}  // namespace

const DTypeInfo& dtype_info(DType dtype) { return kTypes.at(static_cast<size_t>(dtype)); }

int64_t stored_bytes(DType dtype, std::span<const int64_t> shape) {
  int64_t elements = 1;
  for (const int64_t length : shape) elements *= length;
  const DTypeInfo& info = dtype_info(dtype);
  return elements / info.block_elements * info.block_bytes;
}

int64_t Tensor::elements() const {
  int64_t n = 1;
  for (const int64_t size : shape) n *= size;
  return n;
}

}  // namespace idleheads
