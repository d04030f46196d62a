// Types of 4 bits an element that stand for unevenly spaced values. IQ4: what k-quants of 2 and 3 bits fall
// back to where a row is no multiple of 256 (IQ4_NL), and the same in blocks of 256 (IQ4_XS). MXFP4 of the
// OCP Microscaling specification: elements are E2M1, the 8-bit scale of 32 of them is a power of two (E8M0);
// GGML keeps a block's scale before its elements, gpt-oss' safetensors files in a tensor of their own.
#pragma once

#include "format/block_numbers.h"

namespace idleheads::dequant {

// What the 16 codes of IQ4 stand for (ggml/src/ggml-common.h, kvalues_iq4nl).
IDLEHEADS_HOST_DEVICE float iq4_value(int code) {
  static constexpr float kValues[16] = {-127, -104, -83, -65, -49, -35, -22, -10,
                                        1,    13,   25,  38,  53,  69,  89,  113};
  return kValues[code];
}

// What the 16 codes of MXFP4 stand for, doubled.
IDLEHEADS_HOST_DEVICE float mxfp4_doubled(int code) {
  static constexpr float kDoubled[16] = {0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12};
  return kDoubled[code];
}

// 2^(exponent - 128), half the scale; 2^-128 and 2^-127 are subnormal (ggml-impl.h,
// ggml_e8m0_to_fp32_half).
IDLEHEADS_HOST_DEVICE float mxfp4_half_scale(uint8_t exponent) {
  return float_of(exponent < 2 ? uint32_t{0x200000} << exponent : (exponent - uint32_t{1}) << 23);
}

// A byte of `packed` holds two elements. halves_apart: element l and element l + 16; else neighbours, the
// even one in the low half. Eight bytes at a time, because g++ would gather the values of a loop over bytes,
// which is slow without AVX2's instruction for it.
template <float (*value)(int), bool halves_apart>
IDLEHEADS_HOST_DEVICE void decode_codes(const uint8_t* packed, float scale, float* out) {
  constexpr int kHalf = kGroup / 2, kBytes = 8;
  for (int first = 0; first < kHalf; first += kBytes) {
    const auto bytes = load<uint64_t>(packed + first);
    for (int b = 0; b < kBytes; ++b) {
      const int l = first + b, codes = static_cast<int>(bytes >> 8 * b & 255);
      out[halves_apart ? l : 2 * l] = scale * value(codes & 15);
      out[halves_apart ? l + kHalf : 2 * l + 1] = scale * value(codes >> 4);
    }
  }
}

// scale, 4-bit elements [16]
struct IQ4_NL {
  static constexpr int kElements = 32, kBytes = 18;
  IDLEHEADS_HOST_DEVICE static void group(const uint8_t* block, int, float* out) {
    decode_codes<iq4_value, true>(block + 2, load_half(block), out);
  }
};

// scale, high 2 bits of the groups' 8 scales [2], their low 4 bits [4], 4-bit elements [128]
struct IQ4_XS {
  static constexpr int kElements = 256, kBytes = 136;
  IDLEHEADS_HOST_DEVICE static void group(const uint8_t* block, int g, float* out) {
    const int high = load<uint16_t>(block + 2) >> 2 * g & 3, low = block[4 + g / 2] >> 4 * (g % 2) & 15;
    const float scale = load_half(block) * static_cast<float>((low | high << 4) - 32);
    decode_codes<iq4_value, true>(block + 8 + kGroup / 2 * g, scale, out);
  }
};

// scale, 4-bit elements [16]
struct MXFP4 {
  static constexpr int kElements = 32, kBytes = 17;
  IDLEHEADS_HOST_DEVICE static void group(const uint8_t* block, int, float* out) {
    decode_codes<mxfp4_doubled, true>(block + 1, mxfp4_half_scale(block[0]), out);
  }
};

// 4-bit elements [16]; `exponent` lies elsewhere. 255 makes the block NaN, as the specification has it.
struct MXFP4ScaleApart {
  static constexpr int kElements = 32, kBytes = 16;
  IDLEHEADS_HOST_DEVICE static void group(const uint8_t* block, uint8_t exponent, float* out) {
    const float scale = exponent == 255 ? float_of(0x7fc00000u) : mxfp4_half_scale(exponent);
    decode_codes<mxfp4_doubled, false>(block, scale, out);
  }
};

}  // namespace idleheads::dequant
