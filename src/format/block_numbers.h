// Numbers as blocks hold them, for the host and for CUDA devices, with the same bits on both. So nothing here
// or in the block types calls what device code cannot: no std::bit_cast, no std::array.
#pragma once

#include <cstdint>
#include <cstring>

#ifdef __CUDACC__
#define IDLEHEADS_HOST_DEVICE __host__ __device__ __forceinline__
#else
#define IDLEHEADS_HOST_DEVICE inline
#endif

namespace idleheads::dequant {

// Elements that are decoded together. Every block is a whole number of groups; of plain types a group is so
// many elements.
constexpr int kGroup = 32;

// No alignment is asked of `data`.
template <typename T>
IDLEHEADS_HOST_DEVICE T load(const uint8_t* data) {
  T value;
  std::memcpy(&value, data, sizeof(T));
  return value;
}

IDLEHEADS_HOST_DEVICE float float_of(uint32_t bits) {
  float value;
  std::memcpy(&value, &bits, sizeof(value));
  return value;
}

IDLEHEADS_HOST_DEVICE uint32_t bits_of(float value) {
  uint32_t bits;
  std::memcpy(&bits, &value, sizeof(bits));
  return bits;
}

// a * b, rounded before anything is added to it: nvcc would contract the two (host: cmake/flags.cmake).
IDLEHEADS_HOST_DEVICE float product(float a, float b) {
#ifdef __CUDA_ARCH__
  return __fmul_rn(a, b);
#else
  return a * b;
#endif
}

IDLEHEADS_HOST_DEVICE float signed_byte(uint8_t byte) {
  return static_cast<float>(static_cast<int8_t>(byte));
}

// IEEE half precision to single, exactly, subnormals, infinities and NaN included. Selects with masks, so
// that the compiler vectorises loops over it, and makes no float32 subnormals, so that a flush-to-zero mode
// does not change it.
IDLEHEADS_HOST_DEVICE float half_to_float(uint16_t half) {
  const uint32_t magnitude = half & 0x7fffu;
  const uint32_t is_subnormal = 0u - static_cast<uint32_t>(magnitude < 0x400);
  const uint32_t is_special = 0u - static_cast<uint32_t>(magnitude >= 0x7c00);
  const uint32_t normal =
      (magnitude << 13) + (112u << 23) + (is_special & 112u << 23);  // exponent 31 becomes 255
  const uint32_t subnormal = bits_of(static_cast<float>(static_cast<int32_t>(magnitude)) * 0x1p-24f);
  const uint32_t bits = (subnormal & is_subnormal) | (normal & ~is_subnormal);
  return float_of(bits | (half & 0x8000u) << 16);
}

IDLEHEADS_HOST_DEVICE float load_half(const uint8_t* data) { return half_to_float(load<uint16_t>(data)); }

}  // namespace idleheads::dequant
