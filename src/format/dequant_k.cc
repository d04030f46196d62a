// GGML's types of 256 elements per block ("K-quants"): sub-blocks of 16 or 32 elements have small integer
// scales (and minima) that a half-precision scale of the block multiplies.
#include <array>

#include "format/dequant.h"

namespace idleheads::dequant {
namespace {

constexpr int kBlock = 256;
constexpr int kGroup = 32;  // elements that lie side by side in the packed bytes
constexpr int kGroups = kBlock / kGroup;

float signed_byte(uint8_t byte) { return static_cast<float>(static_cast<int8_t>(byte)); }

// Bits 2*(g % 4) and above of byte l of half g / 4: how Q2_K, Q3_K and Q6_K pack 2 bits an element.
int two_bits(const uint8_t* packed, int g, int l) { return packed[g / 4 * kGroup + l] >> 2 * (g % 4) & 3; }

// Byte l of pair g / 2, low half for even g: how Q4_K and Q5_K pack 4 bits an element.
int four_bits(const uint8_t* packed, int g, int l) { return packed[g / 2 * kGroup + l] >> 4 * (g % 2) & 15; }

// Q3_K's 16 scales of 6 bits: 4 low bits in bytes 0..7 (scales 8..15 in the high halves), 2 high bits in
// bytes 8..11.
std::array<float, 16> q3_k_scales(const uint8_t* packed, float scale) {
  std::array<float, 16> scales;
  for (int s = 0; s < 16; ++s) {
    const int low = packed[s % 8] >> 4 * (s / 8) & 15, high = packed[8 + s % 4] >> 2 * (s / 4) & 3;
    scales[s] = scale * static_cast<float>((low | high << 4) - 32);
  }
  return scales;
}

struct ScalesAndMinima {
  std::array<float, kGroups> scales;
  std::array<float, kGroups> minima;
};

// Q4_K's and Q5_K's header: block scale, block minimum, 8 scales and 8 minima of 6 bits. Those of groups 0..3
// fill the low 6 bits of bytes 0..3 and 4..7, whose upper 2 bits belong to groups 4..7 with the halves of
// bytes 8..11.
ScalesAndMinima q4_k_header(const uint8_t* data) {
  const float scale = load_half(data), minimum = load_half(data + 2);
  const uint8_t* packed = data + 4;
  ScalesAndMinima result;
  for (int k = 0; k < 4; ++k) {
    const int s = packed[k], m = packed[4 + k], rest = packed[8 + k];
    result.scales[k] = scale * static_cast<float>(s & 63);
    result.minima[k] = minimum * static_cast<float>(m & 63);
    result.scales[4 + k] = scale * static_cast<float>((rest & 15) | (s >> 2 & 0x30));
    result.minima[4 + k] = minimum * static_cast<float>(rest >> 4 | (m >> 2 & 0x30));
  }
  return result;
}

}  // namespace

// scales and minima [16], 2-bit elements [64], scale, minimum
void q2_k(const uint8_t* data, int64_t blocks, float* out) {
  for (int64_t b = 0; b < blocks; ++b, data += 84, out += kBlock) {
    const float scale = load_half(data + 80), minimum = load_half(data + 82);
    for (int s = 0; s < 16; ++s) {
      const float step = scale * static_cast<float>(data[s] & 15);
      const float low = minimum * static_cast<float>(data[s] >> 4);
      float* part = out + 16 * s;
      for (int i = 0; i < 16; ++i) {
        part[i] = step * static_cast<float>(two_bits(data + 16, s / 2, s % 2 * 16 + i)) - low;
      }
    }
  }
}

// third bits [32], 2-bit elements [64], scales [12], scale
void q3_k(const uint8_t* data, int64_t blocks, float* out) {
  for (int64_t b = 0; b < blocks; ++b, data += 110, out += kBlock) {
    const std::array<float, 16> scales = q3_k_scales(data + 96, load_half(data + 108));
    for (int s = 0; s < 16; ++s) {
      const int g = s / 2;
      float* part = out + 16 * s;
      for (int i = 0; i < 16; ++i) {
        const int l = s % 2 * 16 + i, third = data[l] >> g & 1;
        part[i] = scales[s] * static_cast<float>((two_bits(data + 32, g, l) | third << 2) - 4);
      }
    }
  }
}

// header [16], 4-bit elements [128]
void q4_k(const uint8_t* data, int64_t blocks, float* out) {
  for (int64_t b = 0; b < blocks; ++b, data += 144, out += kBlock) {
    const ScalesAndMinima header = q4_k_header(data);
    for (int g = 0; g < kGroups; ++g) {
      const float scale = header.scales[g], minimum = header.minima[g];
      float* part = out + g * kGroup;
      for (int l = 0; l < kGroup; ++l) {
        part[l] = scale * static_cast<float>(four_bits(data + 16, g, l)) - minimum;
      }
    }
  }
}

// header [16], fifth bits [32], 4-bit elements [128]
void q5_k(const uint8_t* data, int64_t blocks, float* out) {
  for (int64_t b = 0; b < blocks; ++b, data += 176, out += kBlock) {
    const ScalesAndMinima header = q4_k_header(data);
    for (int g = 0; g < kGroups; ++g) {
      const float scale = header.scales[g], minimum = header.minima[g];
      float* part = out + g * kGroup;
      for (int l = 0; l < kGroup; ++l) {
        const int fifth = data[16 + l] >> g & 1;
        part[l] = scale * static_cast<float>(four_bits(data + 48, g, l) | fifth << 4) - minimum;
      }
    }
  }
}

// low 4 bits [128], high 2 bits [64], scales [16] of 8 bits, scale
void q6_k(const uint8_t* data, int64_t blocks, float* out) {
  for (int64_t b = 0; b < blocks; ++b, data += 210, out += kBlock) {
    const float scale = load_half(data + 208);
    for (int s = 0; s < 16; ++s) {
      const int g = s / 2;
      const uint8_t* low = data + g / 4 * 64 + g % 2 * kGroup;
      const int shift = g % 4 / 2 * 4;
      const float step = scale * signed_byte(data[192 + s]);
      float* part = out + 16 * s;
      for (int i = 0; i < 16; ++i) {
        const int l = s % 2 * 16 + i;
        part[i] = step * static_cast<float>(((low[l] >> shift & 15) | two_bits(data + 128, g, l) << 4) - 32);
      }
    }
  }
}

// float32 scale, elements [256] of 8 bits, sums [16] that only GGML's dot products need
void q8_k(const uint8_t* data, int64_t blocks, float* out) {
  for (int64_t b = 0; b < blocks; ++b, data += 292, out += kBlock) {
    const auto scale = load<float>(data);
    for (int i = 0; i < kBlock; ++i) out[i] = scale * signed_byte(data[4 + i]);
  }
}

}  // namespace idleheads::dequant
