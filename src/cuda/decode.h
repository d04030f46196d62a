// Weights as files hold them, decoded on the device: the bits of dequantize() and dequantize_mxfp4(), rounded
// to what products take.
#pragma once

#include <cstdint>

#include "cuda/device_types.h"
#include "cuda/start.h"
#include "format/tensor.h"

namespace idleheads::cuda {

// A StoredPart (model/stored_matrix.h) on the device.
struct EncodedPart {
  DType dtype = DType::f32;
  const uint8_t* data = nullptr;
  const uint8_t* scales = nullptr;  // of MXFP4 with scales apart, else nullptr
  int64_t first_row = 0;            // among the rows of all parts
  int64_t rows = 0;
};

// matrix [.., columns]: row r of the part, stored [rows, columns] or transposed [columns, rows], goes to row
// order[first_row + r], or first_row + r without an order (nullptr). *bad becomes 1 where a number, before it
// is rounded, is NaN or infinite, and stays as it is otherwise. `order`, `matrix`, and `bad` are on the
// device.
template <typename Element>
void decode(const EncodedPart& part, int64_t columns, bool transposed, const int32_t* order, Element* matrix,
            int* bad, Stream stream);

}  // namespace idleheads::cuda
