#include "format/quantize.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <stdexcept>

#include "base/fail.h"

namespace idleheads {
namespace {

constexpr uint16_t kInfiniteHalf = 0x7c00;

void put_half(float value, std::byte* out) {
  const uint16_t half = to_half(value);
  std::memcpy(out, &half, sizeof(half));
}

void put_f16(float value, std::byte* out) {
  if (std::isfinite(value) && to_half(std::abs(value)) == kInfiniteHalf)
    fail("a weight is {}, which F16 cannot hold", value);
  put_half(value, out);
}

void quantize_q8_0(const float* x, std::byte* block) {
  constexpr int kElements = 32;
  float most = 0;
  for (int i = 0; i < kElements; ++i) {
    if (!std::isfinite(x[i]) || to_half(std::abs(x[i]) / 127) == kInfiniteHalf)
      fail("a weight is {}, which Q8_0 cannot hold", x[i]);
    most = std::max(most, std::abs(x[i]));
  }
  const float scale = most / 127;
  // Of numbers so small that the stored scale is 0 nothing is left; 1 / scale might be infinite.
  const float inverse = to_half(scale) != 0 ? 1 / scale : 0;
  put_half(scale, block);
  for (int i = 0; i < kElements; ++i)
    block[2 + i] = static_cast<std::byte>(static_cast<int8_t>(std::round(x[i] * inverse)));
}

}  // namespace

uint16_t to_half(float value) {
  const uint32_t bits = std::bit_cast<uint32_t>(value), sign = bits >> 16 & 0x8000u;
  const uint32_t magnitude = bits & 0x7fffffffu;
  if (magnitude > 0x7f800000u) return static_cast<uint16_t>(sign | 0x7e00u);   // NaN
  if (magnitude >= 0x477ff000u) return static_cast<uint16_t>(sign | 0x7c00u);  // rounds above 65504
  if (magnitude < 0x38800000u) {                                               // subnormal: units of 2^-24
    const float units = std::bit_cast<float>(magnitude) * 0x1p24f;
    return static_cast<uint16_t>(sign | static_cast<uint32_t>(std::nearbyint(units)));
  }
  const uint32_t rebased = magnitude - (112u << 23);
  return static_cast<uint16_t>(sign | (rebased + 0xfffu + (rebased >> 13 & 1u)) >> 13);
}

std::vector<std::byte> quantize(DType dtype, std::span<const float> values) {
  const DTypeInfo& info = dtype_info(dtype);
  if (dtype != DType::f16 && dtype != DType::q8_0) throw std::invalid_argument("quantize: F16 or Q8_0");
  const auto elements = static_cast<size_t>(info.block_elements),
             size = static_cast<size_t>(info.block_bytes);
  if (values.size() % elements != 0) throw std::invalid_argument("quantize: no whole blocks");
  std::vector<std::byte> out(values.size() / elements * size);
  for (size_t i = 0; i < values.size() / elements; ++i) {
    if (dtype == DType::f16) {
      put_f16(values[i], out.data() + i * size);
    } else {
      quantize_q8_0(values.data() + i * elements, out.data() + i * size);
    }
  }
  return out;
}

}  // namespace idleheads
