// A matrix of weights as the model's file has it, and the numbers that it stands for.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/matrix.h"
#include "format/tensor.h"
#include "model/row_order.h"

namespace idleheads {

// Some of a matrix's rows in the mapped file.
struct StoredPart {
  DType dtype = DType::f32;
  std::span<const std::byte> data;
  std::span<const std::byte> scales = {};  // of MXFP4 with scales apart (dequantize_mxfp4), else empty
  int64_t rows = 0;
};

struct StoredMatrix {
  std::vector<StoredPart> parts;  // one below the other
  int64_t columns = 0;            // 1: a vector
  bool transposed = false;        // each part is stored [columns, rows], of plain types; else [rows, columns]
  RowOrder order = {};            // row r of the parts is row order[r] of the matrix

  int64_t rows() const {
    int64_t sum = 0;
    for (const StoredPart& part : parts) sum += part.rows;
    return sum;
  }
};

// [rows, columns] in float32, row-major. Gives the file's pages back.
AlignedBuffer<float> decode(const StoredMatrix& matrix);

// Gives the file's pages back.
void forget(const StoredMatrix& matrix);

}  // namespace idleheads
