// GGML's 4-bit types with unevenly spaced values: what k-quants of 2 and 3 bits fall back to where a row is
// no multiple of 256 (IQ4_NL), and the same in blocks of 256 (IQ4_XS).
#include <array>

#include "format/dequant.h"

namespace idleheads::dequant {
namespace {

constexpr int kGroup = 32;  // elements with one scale
constexpr int kHalf = kGroup / 2;

// What the 16 codes stand for (ggml/src/ggml-common.h, kvalues_iq4nl).
constexpr std::array<float, 16> kValues = {-127, -104, -83, -65, -49, -35, -22, -10,
                                           1,    13,   25,  38,  53,  69,  89,  113};

// Byte l holds element l in its low half and element l + 16 in its high half.
void decode_group(const uint8_t* packed, float scale, float* out) {
  for (size_t l = 0; l < kHalf; ++l) {
    out[l] = scale * kValues[packed[l] & 15];
    out[l + kHalf] = scale * kValues[packed[l] >> 4];
  }
}

}  // namespace

// scale, 4-bit elements [16]
void iq4_nl(const uint8_t* data, int64_t blocks, float* out) {
  for (int64_t b = 0; b < blocks; ++b, data += 18, out += kGroup) {
    decode_group(data + 2, load_half(data), out);
  }
}

// scale, high 2 bits of the groups' 8 scales [2], their low 4 bits [4], 4-bit elements [128]
void iq4_xs(const uint8_t* data, int64_t blocks, float* out) {
  for (int64_t b = 0; b < blocks; ++b, data += 136) {
    const float scale = load_half(data);
    const int high = load<uint16_t>(data + 2);
    for (int g = 0; g < 8; ++g, out += kGroup) {
      const int step = (data[4 + g / 2] >> 4 * (g % 2) & 15) | (high >> 2 * g & 3) << 4;
      decode_group(data + 8 + kHalf * g, scale * static_cast<float>(step - 32), out);
    }
  }
}

}  // namespace idleheads::dequant
