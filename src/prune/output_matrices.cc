#include "prune/output_matrices.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"
#include "base/mapped_file.h"
#include "engine/head_grid.h"
#include "format/zero_elements.h"

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

void require_whole_units(const Model& model, int layer, const OutputMatrix& matrix) {
  const AttentionSpec& attention = model.spec().layers[static_cast<size_t>(layer)].attention;
  const int64_t unit = matrix.transposed ? 1 : zero_unit(matrix.part.dtype);
  for (const Columns& c : matrix.zero) {
    if (c.first % unit == 0 && c.count % unit == 0) continue;
    fail(
        "{}: tensor {}: the {} columns of head {} share scales with other heads' columns, as {} has one "
        "scale "
        "for {} columns; take a file of the model in another type, such as F16, Q8_0 or BF16",
        printable(model.name(), 300), tensor_of(model, matrix.part.data), attention.head_dim,
        to_string(HeadId{layer, attention.column(c.first_head)}), dtype_info(matrix.part.dtype).name, unit);
  }
}

}  // namespace

std::vector<std::byte> OutputMatrix::zeroed() const {
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

OutputMatrices output_matrices(const Model& model, const HeadMask& mask) {
  OutputMatrices out;
  for (int l = 0; l < mask.layers(); ++l) {
    const AttentionSpec& attention = model.spec().layers[static_cast<size_t>(l)].attention;
    const int head_dim = attention.head_dim;
    std::vector<uint8_t> off;  // of the layer's own heads
    append_own(attention, mask.layer(l), off);
    std::vector<Columns> zero = columns_off(off, head_dim);
    if (zero.empty()) continue;
    const StoredMatrix stored = model.weights().stored_matrix(LayerMatrix::output, l);
    const OutputMatrix matrix = {stored.parts.front(), stored.columns, stored.transposed, std::move(zero)};
    require_whole_units(model, l, matrix);
    out.emplace(matrix.part.data.data(), matrix);
  }
  return out;
}

}  // namespace idleheads
