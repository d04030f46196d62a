// GGML's types of 32 elements per block: a scale, for the _1 types a minimum, and 4, 5 or 8 bits an element.
// Of 4-bit elements byte l holds number l in its low half and number l + 16 in its high half; a 5th bit is
// bit number-of-the-element of a 32-bit word.
#pragma once

#include "format/block_numbers.h"

namespace idleheads::dequant {

// Calls set(number of the element, its 4 bits).
template <typename Set>
IDLEHEADS_HOST_DEVICE void for_nibbles(const uint8_t* packed, const Set& set) {
  constexpr int kHalf = kGroup / 2;
  for (int l = 0; l < kHalf; ++l) set(l, packed[l] & 15);
  for (int l = 0; l < kHalf; ++l) set(l + kHalf, packed[l] >> 4);
}

// Masks instead of shifts by `element`, for which vectors of SSE2 have no instruction.
IDLEHEADS_HOST_DEVICE int fifth_bit(uint32_t high_bits, int element) {
  static constexpr uint32_t kMasks[kGroup] = {
      1u << 0,  1u << 1,  1u << 2,  1u << 3,  1u << 4,  1u << 5,  1u << 6,  1u << 7,
      1u << 8,  1u << 9,  1u << 10, 1u << 11, 1u << 12, 1u << 13, 1u << 14, 1u << 15,
      1u << 16, 1u << 17, 1u << 18, 1u << 19, 1u << 20, 1u << 21, 1u << 22, 1u << 23,
      1u << 24, 1u << 25, 1u << 26, 1u << 27, 1u << 28, 1u << 29, 1u << 30, 1u << 31};
  return (high_bits & kMasks[element]) != 0 ? 16 : 0;
}

struct Q4_0 {
  static constexpr int kElements = 32, kBytes = 18;
  IDLEHEADS_HOST_DEVICE static void group(const uint8_t* block, int, float* out) {
    const float scale = load_half(block);
    for_nibbles(block + 2, [=](int i, int q) { out[i] = scale * static_cast<float>(q - 8); });
  }
};

struct Q4_1 {
  static constexpr int kElements = 32, kBytes = 20;
  IDLEHEADS_HOST_DEVICE static void group(const uint8_t* block, int, float* out) {
    const float scale = load_half(block), minimum = load_half(block + 2);
    for_nibbles(block + 4, [=](int i, int q) { out[i] = product(scale, static_cast<float>(q)) + minimum; });
  }
};

struct Q5_0 {
  static constexpr int kElements = 32, kBytes = 22;
  IDLEHEADS_HOST_DEVICE static void group(const uint8_t* block, int, float* out) {
    const float scale = load_half(block);
    const auto high = load<uint32_t>(block + 2);
    for_nibbles(block + 6,
                [=](int i, int q) { out[i] = scale * static_cast<float>((q | fifth_bit(high, i)) - 16); });
  }
};

struct Q5_1 {
  static constexpr int kElements = 32, kBytes = 24;
  IDLEHEADS_HOST_DEVICE static void group(const uint8_t* block, int, float* out) {
    const float scale = load_half(block), minimum = load_half(block + 2);
    const auto high = load<uint32_t>(block + 4);
    for_nibbles(block + 8, [=](int i, int q) {
      out[i] = product(scale, static_cast<float>(q | fifth_bit(high, i))) + minimum;
    });
  }
};

struct Q8_0 {
  static constexpr int kElements = 32, kBytes = 34;
  IDLEHEADS_HOST_DEVICE static void group(const uint8_t* block, int, float* out) {
    const float scale = load_half(block);
    for (int l = 0; l < kGroup; ++l) out[l] = scale * signed_byte(block[2 + l]);
  }
};

}  // namespace idleheads::dequant
