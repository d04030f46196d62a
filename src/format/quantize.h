// Float32 to the two types that weights are written in where what they had cannot hold them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "format/tensor.h"

namespace idleheads {

// The nearest half-precision number, ties to even; too large ones become infinite.
uint16_t to_half(float value);

// `dtype`: F16 or Q8_0 (GGML's quantize_row_q8_0_ref), else std::invalid_argument. Whole blocks. Throws Error
// for a number that the type cannot hold: a finite one that would become infinite, and any other in Q8_0.
std::vector<std::byte> quantize(DType dtype, std::span<const float> values);

}  // namespace idleheads
