// GGML's types of 256 elements per block ("K-quants"): sub-blocks of 16 or 32 elements have small integer
// scales (and minima) that a half-precision scale of the block multiplies.
#pragma once

#include "format/block_numbers.h"

namespace idleheads::dequant {

// Bits 2*(g % 4) and above of byte l of half g / 4: how Q2_K, Q3_K and Q6_K pack 2 bits an element.
IDLEHEADS_HOST_DEVICE int two_bits(const uint8_t* packed, int g, int l) {
  return packed[g / 4 * kGroup + l] >> 2 * (g % 4) & 3;
}

// Byte l of pair g / 2, low half for even g: how Q4_K and Q5_K pack 4 bits an element.
IDLEHEADS_HOST_DEVICE int four_bits(const uint8_t* packed, int g, int l) {
  return packed[g / 2 * kGroup + l] >> 4 * (g % 2) & 15;
}

// scales and minima [16], 2-bit elements [64], scale, minimum
struct Q2_K {
  static constexpr int kElements = 256, kBytes = 84;
  IDLEHEADS_HOST_DEVICE static void group(const uint8_t* block, int g, float* out) {
    constexpr int kHalf = kGroup / 2;
    const float scale = load_half(block + 80), minimum = load_half(block + 82);
    const int first = block[2 * g], second = block[2 * g + 1];
    const float first_step = scale * static_cast<float>(first & 15);
    const float first_low = product(minimum, static_cast<float>(first >> 4));
    const float second_step = scale * static_cast<float>(second & 15);
    const float second_low = product(minimum, static_cast<float>(second >> 4));
    // In one loop, because g++ vectorises none that is as small as half of it.
    for (int l = 0; l < kHalf; ++l) {
      out[l] = product(first_step, static_cast<float>(two_bits(block + 16, g, l))) - first_low;
      out[l + kHalf] =
          product(second_step, static_cast<float>(two_bits(block + 16, g, l + kHalf))) - second_low;
    }
  }
};

// third bits [32], 2-bit elements [64], scales [12], scale
struct Q3_K {
  static constexpr int kElements = 256, kBytes = 110;
  IDLEHEADS_HOST_DEVICE static void group(const uint8_t* block, int g, float* out) {
    const float scale = load_half(block + 108);
    for (int first = 0; first < kGroup; first += 16) {
      const float step = scale * static_cast<float>(factor(block + 96, 2 * g + first / 16));
      for (int l = first; l < first + 16; ++l) {
        const int third = block[l] >> g & 1;
        out[l] = step * static_cast<float>((two_bits(block + 32, g, l) | third << 2) - 4);
      }
    }
  }

 private:
  // Of 16 scales of 6 bits: 4 low bits in bytes 0..7 (scales 8..15 in the high halves), 2 high bits in bytes
  // 8..11.
  IDLEHEADS_HOST_DEVICE static int factor(const uint8_t* packed, int s) {
    const int low = packed[s % 8] >> 4 * (s / 8) & 15, high = packed[8 + s % 4] >> 2 * (s / 4) & 3;
    return (low | high << 4) - 32;
  }
};

// What Q4_K's and Q5_K's blocks begin with: block scale, block minimum, 8 scales and 8 minima of 6 bits.
struct ScaleAndMinimum {
  float scale, minimum;

  // Of group g. Those of groups 0..3 fill the low 6 bits of bytes 0..3 and 4..7, whose upper 2 bits belong to
  // groups 4..7 with the halves of bytes 8..11.
  IDLEHEADS_HOST_DEVICE ScaleAndMinimum(const uint8_t* block, int g) {
    const uint8_t* packed = block + 4 + g % 4;
    const int s = packed[0], m = packed[4], rest = packed[8];
    const int scale_bits = g < 4 ? s & 63 : (rest & 15) | (s >> 2 & 0x30);
    const int minimum_bits = g < 4 ? m & 63 : rest >> 4 | (m >> 2 & 0x30);
    scale = load_half(block) * static_cast<float>(scale_bits);
    minimum = product(load_half(block + 2), static_cast<float>(minimum_bits));
  }
};

// header [16], 4-bit elements [128]
struct Q4_K {
  static constexpr int kElements = 256, kBytes = 144;
  IDLEHEADS_HOST_DEVICE static void group(const uint8_t* block, int g, float* out) {
    const ScaleAndMinimum of_group(block, g);
    for (int l = 0; l < kGroup; ++l) {
      const int q = four_bits(block + 16, g, l);
      out[l] = product(of_group.scale, static_cast<float>(q)) - of_group.minimum;
    }
  }
};

// header [16], fifth bits [32], 4-bit elements [128]
struct Q5_K {
  static constexpr int kElements = 256, kBytes = 176;
  IDLEHEADS_HOST_DEVICE static void group(const uint8_t* block, int g, float* out) {
    const ScaleAndMinimum of_group(block, g);
    for (int l = 0; l < kGroup; ++l) {
      const int fifth = block[16 + l] >> g & 1, q = four_bits(block + 48, g, l) | fifth << 4;
      out[l] = product(of_group.scale, static_cast<float>(q)) - of_group.minimum;
    }
  }
};

// low 4 bits [128], high 2 bits [64], scales [16] of 8 bits, scale
struct Q6_K {
  static constexpr int kElements = 256, kBytes = 210;
  IDLEHEADS_HOST_DEVICE static void group(const uint8_t* block, int g, float* out) {
    const float scale = load_half(block + 208);
    const uint8_t* low = block + g / 4 * 64 + g % 2 * kGroup;
    const int shift = g % 4 / 2 * 4;
    for (int first = 0; first < kGroup; first += 16) {
      const float step = scale * signed_byte(block[192 + 2 * g + first / 16]);
      for (int l = first; l < first + 16; ++l)
        out[l] = step * static_cast<float>(((low[l] >> shift & 15) | two_bits(block + 128, g, l) << 4) - 32);
    }
  }
};

// float32 scale, elements [256] of 8 bits, sums [16] that only GGML's dot products need
struct Q8_K {
  static constexpr int kElements = 256, kBytes = 292;
  IDLEHEADS_HOST_DEVICE static void group(const uint8_t* block, int g, float* out) {
    const auto scale = load<float>(block);
    for (int l = 0; l < kGroup; ++l) out[l] = scale * signed_byte(block[4 + kGroup * g + l]);
  }
};

}  // namespace idleheads::dequant
