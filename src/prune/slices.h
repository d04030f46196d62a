// Parts of stored matrices, in the bytes in which they are stored.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "format/tensor.h"

namespace idleheads {

// Rows of a matrix, or elements of a vector, in this order.
std::vector<std::byte> take_rows(const Tensor& tensor, std::span<const int64_t> rows);

// Columns [first, first + count) of a matrix that stay; `zero`: with zeros in them.
struct ColumnRun {
  int64_t first = 0, count = 0;
  bool zero = false;
};

// True if these columns are whole blocks, and those with zeros whole units (zero_elements.h).
bool can_take_columns(DType dtype, std::span<const ColumnRun> runs);
// The runs beside each other; can_take_columns() must be true.
std::vector<std::byte> take_columns(const Tensor& tensor, std::span<const ColumnRun> runs);
// The same in F16 or Q8_0, from any type.
std::vector<std::byte> requantized_columns(const Tensor& tensor, std::span<const ColumnRun> runs,
                                           DType dtype);

int64_t width_of(std::span<const ColumnRun> runs);  // columns that stay

}  // namespace idleheads
