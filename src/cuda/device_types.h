// Types that kernels and the host's code share.
#pragma once

#include <cstdint>

namespace idleheads::cuda {

// As memory holds it.
struct Bf16 {
  uint16_t bits;
};

}  // namespace idleheads::cuda
