// The block decoders behind dequantize(), one per type. Each reads `blocks` blocks and writes their elements.
// No alignment is asked of `data`. The order of the float32 operations is that of the `gguf` Python package,
// so that results have the same bits; they are compiled without contraction of a*b+c (cmake/flags.cmake).
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>

namespace idleheads::dequant {

using Decoder = void (*)(const uint8_t* data, int64_t blocks, float* out);

// dequant_plain.cc: blocks of one element
void f32(const uint8_t* data, int64_t blocks, float* out);
void f16(const uint8_t* data, int64_t blocks, float* out);
void bf16(const uint8_t* data, int64_t blocks, float* out);
void u8(const uint8_t* data, int64_t blocks, float* out);
// dequant_q.cc: blocks of 32 elements
void q4_0(const uint8_t* data, int64_t blocks, float* out);
void q4_1(const uint8_t* data, int64_t blocks, float* out);
void q5_0(const uint8_t* data, int64_t blocks, float* out);
void q5_1(const uint8_t* data, int64_t blocks, float* out);
void q8_0(const uint8_t* data, int64_t blocks, float* out);
// dequant_k.cc: blocks of 256 elements
void q2_k(const uint8_t* data, int64_t blocks, float* out);
void q3_k(const uint8_t* data, int64_t blocks, float* out);
void q4_k(const uint8_t* data, int64_t blocks, float* out);
void q5_k(const uint8_t* data, int64_t blocks, float* out);
void q6_k(const uint8_t* data, int64_t blocks, float* out);
void q8_k(const uint8_t* data, int64_t blocks, float* out);
// dequant_iq4.cc: 4 bits an element that stand for unevenly spaced values; blocks of 32 and of 256 elements
void iq4_nl(const uint8_t* data, int64_t blocks, float* out);
void iq4_xs(const uint8_t* data, int64_t blocks, float* out);
// dequant_mxfp4.cc: 4 bits an element with an exponent; blocks of 32 elements
void mxfp4(const uint8_t* data, int64_t blocks, float* out);

template <typename T>
T load(const uint8_t* data) {
  T value;
  std::memcpy(&value, data, sizeof(T));
  return value;
}

// IEEE half precision to single, exactly, subnormals, infinities and NaN included. Selects with masks, so
// that the compiler vectorises loops over it, and makes no float32 subnormals, so that a flush-to-zero mode
// does not change it.
inline float half_to_float(uint16_t half) {
  const uint32_t magnitude = half & 0x7fffu;
  const uint32_t is_subnormal = 0u - static_cast<uint32_t>(magnitude < 0x400);
  const uint32_t is_special = 0u - static_cast<uint32_t>(magnitude >= 0x7c00);
  const uint32_t normal =
      (magnitude << 13) + (112u << 23) + (is_special & 112u << 23);  // exponent 31 becomes 255
  const auto subnormal =
      std::bit_cast<uint32_t>(static_cast<float>(static_cast<int32_t>(magnitude)) * 0x1p-24f);
  const uint32_t bits = (subnormal & is_subnormal) | (normal & ~is_subnormal);
  return std::bit_cast<float>(bits | (half & 0x8000u) << 16);
}

inline float load_half(const uint8_t* data) { return half_to_float(load<uint16_t>(data)); }

}  // namespace idleheads::dequant
