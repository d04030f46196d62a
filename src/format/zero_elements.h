// Sets some elements of a tensor to zero in the form in which it is stored, so that all others keep their
// bits: what becomes of the columns of W_O that read a head.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "format/tensor.h"

namespace idleheads {

// How many neighbouring elements become zero together: those that share a scale, or 1 where each has its own
// bits.
int64_t zero_unit(DType dtype);

// Elements [first, first + count) of a row of whole blocks decode to 0 afterwards. Throws
// std::invalid_argument unless both are multiples of zero_unit() inside the row.
void set_zero(DType dtype, std::span<std::byte> row, int64_t first, int64_t count);

}  // namespace idleheads
