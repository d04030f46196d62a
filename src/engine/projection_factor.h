// |W z| of many z, for a tall W, by a small matrix.
#pragma once

#include <cstdint>

namespace idleheads {

// Writes L [head_dim, columns], lower triangular with zeros behind its head_dim columns, with |z L| = |W z|
// for the slice W [rows, head_dim] of the output projection whose row r begins at w + r * stride.
void projection_factor(const float* w, int64_t rows, int64_t stride, int64_t head_dim, int64_t columns,
                       float* factor);

}  // namespace idleheads
