// MXFP4 of the OCP Microscaling specification: 32 elements of 4 bits (E2M1) with a scale of 8 bits that is a
// power of two (E8M0). GGML keeps a block's scale before its elements, gpt-oss' safetensors files in a tensor
// of their own.
#include <array>
#include <limits>
#include <stdexcept>

#include "format/dequant.h"
#include "format/tensor.h"

namespace idleheads {
namespace {

constexpr int kBlock = 32;
constexpr int kHalf = kBlock / 2;  // elements in the low halves of a block's bytes

// What the 16 codes stand for, doubled.
constexpr std::array<float, 16> kDoubled = {0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12};

// 2^(exponent - 128), half the scale; 2^-128 and 2^-127 are subnormal (ggml-impl.h,
// ggml_e8m0_to_fp32_half).
float half_scale(uint8_t exponent) {
  return std::bit_cast<float>(exponent < 2 ? uint32_t{0x200000} << exponent : (exponent - uint32_t{1}) << 23);
}

}  // namespace

// scale, 4-bit elements [16]: byte l holds element l in its low half and element l + 16 in its high half
void dequant::mxfp4(const uint8_t* data, int64_t blocks, float* out) {
  for (int64_t b = 0; b < blocks; ++b, data += 1 + kHalf, out += kBlock) {
    const float scale = half_scale(data[0]);
    for (int l = 0; l < kHalf; ++l) {
      out[l] = scale * kDoubled[data[1 + l] & 15];
      out[l + kHalf] = scale * kDoubled[data[1 + l] >> 4];
    }
  }
}

void dequantize_mxfp4(std::span<const std::byte> elements, std::span<const std::byte> scales,
                      std::span<float> out) {
  if (elements.size() != scales.size() * kHalf || out.size() != scales.size() * kBlock)
    throw std::logic_error("dequantize_mxfp4: elements, scales and output do not fit each other");
  const auto* packed = reinterpret_cast<const uint8_t*>(elements.data());
  float* to = out.data();
  for (const std::byte exponent : scales) {
    const float scale = exponent == std::byte{255} ? std::numeric_limits<float>::quiet_NaN()
                                                   : half_scale(std::to_integer<uint8_t>(exponent));
    for (int l = 0; l < kHalf; ++l, ++packed) {
      *to++ = scale * kDoubled[*packed & 15];
      *to++ = scale * kDoubled[*packed >> 4];
    }
  }
}

}  // namespace idleheads
