#include <algorithm>

#include "format/dequant.h"

namespace idleheads::dequant {

void f32(const uint8_t* data, int64_t blocks, float* out) {
  std::memcpy(out, data, static_cast<size_t>(blocks) * sizeof(float));
}

void f16(const uint8_t* data, int64_t blocks, float* out) {
  for (int64_t i = 0; i < blocks; ++i) out[i] = load_half(data + 2 * i);
}

void u8(const uint8_t* data, int64_t blocks, float* out) { std::copy_n(data, blocks, out); }

// The upper half of a float32's bits.
void bf16(const uint8_t* data, int64_t blocks, float* out) {
  for (int64_t i = 0; i < blocks; ++i) {
    out[i] = std::bit_cast<float>(static_cast<uint32_t>(load<uint16_t>(data + 2 * i)) << 16);
  }
}

}  // namespace idleheads::dequant
