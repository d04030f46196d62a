// GGML's types of 32 elements per block: a scale, for the _1 types a minimum, and 4, 5 or 8 bits an element.
// Of 4-bit elements byte l holds number l in its low half and number l + 16 in its high half; a 5th bit is
// bit number-of-the- element of a 32-bit word.
#include "format/dequant.h"

namespace idleheads::dequant {
namespace {

constexpr int kHalf = 16;  // half of a block's elements
constexpr int kBlock = 32;

// Calls set(number of the element, its 4 bits).
template <typename Set>
void for_nibbles(const uint8_t* packed, const Set& set) {
  for (int l = 0; l < kHalf; ++l) set(l, packed[l] & 15);
  for (int l = 0; l < kHalf; ++l) set(l + kHalf, packed[l] >> 4);
}

int fifth_bit(uint32_t high_bits, int element) { return static_cast<int>(high_bits >> element & 1) << 4; }

}  // namespace

void q4_0(const uint8_t* data, int64_t blocks, float* out) {
  for (int64_t b = 0; b < blocks; ++b, data += 18, out += kBlock) {
    const float scale = load_half(data);
    for_nibbles(data + 2, [&](int i, int q) { out[i] = scale * static_cast<float>(q - 8); });
  }
}

void q4_1(const uint8_t* data, int64_t blocks, float* out) {
  for (int64_t b = 0; b < blocks; ++b, data += 20, out += kBlock) {
    const float scale = load_half(data), minimum = load_half(data + 2);
    for_nibbles(data + 4, [&](int i, int q) { out[i] = scale * static_cast<float>(q) + minimum; });
  }
}

void q5_0(const uint8_t* data, int64_t blocks, float* out) {
  for (int64_t b = 0; b < blocks; ++b, data += 22, out += kBlock) {
    const float scale = load_half(data);
    const auto high = load<uint32_t>(data + 2);
    for_nibbles(data + 6,
                [&](int i, int q) { out[i] = scale * static_cast<float>((q | fifth_bit(high, i)) - 16); });
  }
}

void q5_1(const uint8_t* data, int64_t blocks, float* out) {
  for (int64_t b = 0; b < blocks; ++b, data += 24, out += kBlock) {
    const float scale = load_half(data), minimum = load_half(data + 2);
    const auto high = load<uint32_t>(data + 4);
    for_nibbles(data + 8,
                [&](int i, int q) { out[i] = scale * static_cast<float>(q | fifth_bit(high, i)) + minimum; });
  }
}

void q8_0(const uint8_t* data, int64_t blocks, float* out) {
  for (int64_t b = 0; b < blocks; ++b, data += 34, out += kBlock) {
    const float scale = load_half(data);
    for (int i = 0; i < kBlock; ++i) out[i] = scale * static_cast<float>(static_cast<int8_t>(data[2 + i]));
  }
}

}  // namespace idleheads::dequant
