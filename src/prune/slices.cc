#include "prune/slices.h"

#include <algorithm>

#include "base/mapped_file.h"
#include "format/quantize.h"
#include "format/zero_elements.h"

namespace idleheads {
namespace {

std::span<const std::byte> row_of(const Tensor& tensor, int64_t row) {
  const size_t size = tensor.data.size() / static_cast<size_t>(tensor.shape.front());
  return tensor.data.subspan(static_cast<size_t>(row) * size, size);
}

void append(std::span<const std::byte> bytes, std::vector<std::byte>& out) {
  out.insert(out.end(), bytes.begin(), bytes.end());
}

}  // namespace

int64_t width_of(std::span<const ColumnRun> runs) {
  int64_t width = 0;
  for (const ColumnRun& run : runs) width += run.count;
  return width;
}

std::vector<std::byte> take_rows(const Tensor& tensor, std::span<const int64_t> rows) {
  std::vector<std::byte> out;
  out.reserve(rows.size() * row_of(tensor, 0).size());
  for (const int64_t row : rows) append(row_of(tensor, row), out);
  forget_pages(tensor.data);
  return out;
}

bool can_take_columns(DType dtype, std::span<const ColumnRun> runs) {
  const int64_t block = dtype_info(dtype).block_elements, unit = zero_unit(dtype);
  int64_t begin = 0;  // of neighbouring runs
  for (size_t i = 0; i < runs.size(); ++i) {
    const ColumnRun& run = runs[i];
    if (run.zero && (run.first % unit != 0 || run.count % unit != 0)) return false;
    if (i == 0 || runs[i - 1].first + runs[i - 1].count != run.first) begin = run.first;
    const bool ends = i + 1 == runs.size() || runs[i + 1].first != run.first + run.count;
    if (begin % block != 0 || (ends && (run.first + run.count) % block != 0)) return false;
  }
  return true;
}

std::vector<std::byte> take_columns(const Tensor& tensor, std::span<const ColumnRun> runs) {
  const DTypeInfo& info = dtype_info(tensor.dtype);
  const auto bytes_before = [&](int64_t column) {
    return static_cast<size_t>(column / info.block_elements * info.block_bytes);
  };
  std::vector<std::byte> out;
  for (int64_t r = 0; r < tensor.shape.front(); ++r) {
    std::vector<std::byte> row(row_of(tensor, r).begin(), row_of(tensor, r).end());
    for (const ColumnRun& run : runs) {
      if (run.zero) set_zero(tensor.dtype, row, run.first, run.count);
    }
    for (size_t i = 0; i < runs.size();) {  // neighbours may share a block
      const int64_t first = runs[i].first;
      int64_t end = first;
      for (; i < runs.size() && runs[i].first == end; ++i) end += runs[i].count;
      append(std::span(row).subspan(bytes_before(first), bytes_before(end) - bytes_before(first)), out);
    }
  }
  forget_pages(tensor.data);
  return out;
}

std::vector<std::byte> requantized_columns(const Tensor& tensor, std::span<const ColumnRun> runs,
                                           DType dtype) {
  std::vector<float> row(static_cast<size_t>(tensor.shape.back())), kept;
  std::vector<std::byte> out;
  for (int64_t r = 0; r < tensor.shape.front(); ++r) {
    dequantize(tensor.dtype, row_of(tensor, r), row);
    kept.clear();
    for (const ColumnRun& run : runs) {
      const auto first = row.begin() + run.first;
      if (run.zero) {
        kept.insert(kept.end(), static_cast<size_t>(run.count), 0.0f);
      } else {
        kept.insert(kept.end(), first, first + run.count);
      }
    }
    append(quantize(dtype, kept), out);
  }
  forget_pages(tensor.data);
  return out;
}

}  // namespace idleheads
