// Types that kernels and the host's code share.
#pragma once

#include <cstdint>
#include <cstring>

namespace idleheads::cuda {

// As memory holds it.
struct Bf16 {
  uint16_t bits;
};

// On the host: to the nearest, ties to even; NaN stays NaN.
inline Bf16 round_to_bf16(float x) {
  uint32_t bits = 0;
  std::memcpy(&bits, &x, sizeof bits);
  return {static_cast<uint16_t>((x != x ? bits | 0x400000 : bits + 0x7fff + (bits >> 16 & 1)) >> 16)};
}

}  // namespace idleheads::cuda
