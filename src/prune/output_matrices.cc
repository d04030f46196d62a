#include "prune/output_matrices.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/fail.h"
#include "base/mapped_file.h"
#include "engine/head_grid.h"
#include "format/zero_elements.h"
#include "model/checkpoint.h"
#include "model/weights.h"
#include "prune/slices.h"

namespace idleheads {
namespace {

std::vector<Columns> columns_off(std::span<const uint8_t> off, int head_dim) {
  std::vector<Columns> out;
  const int heads = static_cast<int>(off.size());
  for (int h = 0; h < heads; ++h) {
    if (off[static_cast<size_t>(h)] == 0) continue;
    if (out.empty() || out.back().first + out.back().count != int64_t{h} * head_dim)
      out.push_back({h, int64_t{h} * head_dim, 0});
    out.back().count += head_dim;
  }
  return out;
}

std::string tensor_of(const Model& model, std::span<const std::byte> data) {
  const std::vector<Tensor>& tensors = model.checkpoint().tensors();
  const auto found =
      std::ranges::find_if(tensors, [&](const Tensor& tensor) { return tensor.data.data() == data.data(); });
  return found == tensors.end() ? "" : found->name;
}

// The first columns that cannot be set to zero in the type that the matrix has.
const Columns* without_own_scales(const OutputMatrix& matrix) {
  const int64_t unit = matrix.transposed ? 1 : zero_unit(matrix.part.dtype);
  const auto found = std::ranges::find_if(
      matrix.zero, [&](const Columns& c) { return c.first % unit != 0 || c.count % unit != 0; });
  return found == matrix.zero.end() ? nullptr : &*found;
}

[[noreturn]] void refuse(const Model& model, int layer, const OutputMatrix& matrix, const Columns& c) {
  const AttentionSpec& attention = model.spec().layers[static_cast<size_t>(layer)].attention;
  fail(
      "{}: tensor {}: the {} columns of head {} share scales with other heads' columns, as {} has one scale "
      "for {} columns; --requantise Q8_0 or F16 writes this tensor anew",
      printable(model.name(), 300), tensor_of(model, matrix.part.data), attention.head_dim,
      to_string(HeadId{layer, attention.column(c.first_head)}), dtype_info(matrix.part.dtype).name,
      zero_unit(matrix.part.dtype));
}

void require_whole_blocks(const Model& model, const OutputMatrix& matrix, DType dtype) {
  const DTypeInfo& info = dtype_info(dtype);
  if (matrix.columns % info.block_elements == 0) return;
  fail("{}: tensor {}: its {} columns are no whole blocks of {}; --requantise F16 holds them",
       printable(model.name(), 300), tensor_of(model, matrix.part.data), matrix.columns, info.name);
}

std::vector<std::byte> written_anew(const OutputMatrix& matrix, DType dtype) {
  std::vector<ColumnRun> runs;
  int64_t end = 0;
  for (const Columns& c : matrix.zero) {
    if (c.first > end) runs.push_back({end, c.first - end, false});
    runs.push_back({c.first, c.count, true});
    end = c.first + c.count;
  }
  if (end < matrix.columns) runs.push_back({end, matrix.columns - end, false});
  const Tensor tensor = {"", matrix.part.dtype, {matrix.part.rows, matrix.columns}, matrix.part.data};
  return requantized_columns(tensor, runs, dtype);
}

}  // namespace

std::vector<std::byte> OutputMatrix::zeroed() const {
  if (anew) return written_anew(*this, *anew);
  std::vector<std::byte> bytes(part.data.begin(), part.data.end());
  forget_pages(part.data);
  // A transposed matrix has a column's elements beside each other: it is one row.
  const int64_t rows = transposed ? 1 : part.rows, width = transposed ? part.rows : 1;
  const size_t stride = bytes.size() / static_cast<size_t>(rows);
  for (int64_t r = 0; r < rows; ++r) {
    const auto row = std::span(bytes).subspan(static_cast<size_t>(r) * stride, stride);
    for (const Columns& c : zero) set_zero(part.dtype, row, c.first * width, c.count * width);
  }
  return bytes;
}

OutputMatrices output_matrices(const Model& model, const HeadMask& mask, std::optional<DType> requantized) {
  OutputMatrices out;
  for (int l = 0; l < mask.layers(); ++l) {
    const AttentionSpec& attention = model.spec().layers[static_cast<size_t>(l)].attention;
    const int head_dim = attention.head_dim;
    std::vector<uint8_t> off;  // of the layer's own heads
    append_own(attention, mask.layer(l), off);
    std::vector<Columns> zero = columns_off(off, head_dim);
    if (zero.empty()) continue;
    const StoredMatrix stored = model.weights().stored_matrix(LayerMatrix::output, l);
    OutputMatrix matrix = {stored.parts.front(), stored.columns, stored.transposed, std::move(zero), {}};
    if (const Columns* shared = without_own_scales(matrix)) {
      if (!requantized) refuse(model, l, matrix, *shared);
      require_whole_blocks(model, matrix, *requantized);
      matrix.anew = requantized;
    }
    out.emplace(matrix.part.data.data(), std::move(matrix));
  }
  return out;
}

TensorToWrite with_zeros(const Tensor& tensor, const OutputMatrices& matrices) {
  const auto found = matrices.find(tensor.data.data());
  if (found != matrices.end()) {
    const OutputMatrix& matrix = found->second;
    return {matrix.anew.value_or(tensor.dtype), [&matrix] { return matrix.zeroed(); }};
  }
  return {tensor.dtype, [data = tensor.data] {
            std::vector<std::byte> bytes(data.begin(), data.end());
            forget_pages(data);
            return bytes;
          }};
}

}  // namespace idleheads
