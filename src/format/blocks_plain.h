// Types whose blocks are single elements.
#pragma once

#include "format/block_numbers.h"

namespace idleheads::dequant {

struct F32 {
  static constexpr int kElements = 1, kBytes = 4;
  IDLEHEADS_HOST_DEVICE static float element(const uint8_t* data) { return load<float>(data); }
};

struct F16 {
  static constexpr int kElements = 1, kBytes = 2;
  IDLEHEADS_HOST_DEVICE static float element(const uint8_t* data) { return load_half(data); }
};

// The upper half of a float32's bits.
struct BF16 {
  static constexpr int kElements = 1, kBytes = 2;
  IDLEHEADS_HOST_DEVICE static float element(const uint8_t* data) {
    return float_of(static_cast<uint32_t>(load<uint16_t>(data)) << 16);
  }
};

struct U8 {
  static constexpr int kElements = 1, kBytes = 1;
  IDLEHEADS_HOST_DEVICE static float element(const uint8_t* data) { return static_cast<float>(*data); }
};

}  // namespace idleheads::dequant
