#include "prune/zeroed_model.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "base/error.h"
#include "base/mapped_file.h"
#include "engine/head_grid.h"
#include "format/zero_elements.h"
#include "report/output_file.h"

namespace idleheads {
namespace {

namespace fs = std::filesystem;

// Heads that are off beside each other: their columns of W_O are zero together.
struct Columns {
  int first_head = 0;
  int64_t first = 0, count = 0;
};

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

// W_O of a layer as the file has it.
struct OutputMatrix {
  StoredPart part;
  int64_t columns = 0;
  bool transposed = false;
  std::vector<Columns> zero;

  std::vector<std::byte> zeroed() const {
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
};

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

// By where their data lie.
using Matrices = std::map<const std::byte*, OutputMatrix>;

Matrices matrices_of(const Model& model, const HeadMask& mask) {
  Matrices out;
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

void write_pieces(std::span<const std::byte> bytes, OutputFile& out) {
  constexpr size_t kPiece = size_t{16} << 20;
  for (; !bytes.empty(); bytes = bytes.subspan(std::min(kPiece, bytes.size()))) {
    const auto piece = bytes.first(std::min(kPiece, bytes.size()));
    out.write(piece);
    forget_pages(piece);
  }
}

// The file with the matrices that lie in it replaced.
void write_weights(const MappedFile& file, const Matrices& matrices, OutputFile& out) {
  std::span<const std::byte> rest = file.bytes();
  const std::byte* end = rest.data() + rest.size();
  for (auto next = matrices.lower_bound(rest.data()); next != matrices.end() && next->first < end; ++next) {
    const auto before = static_cast<size_t>(next->first - rest.data());
    write_pieces(rest.first(before), out);
    const std::vector<std::byte> bytes = next->second.zeroed();
    out.write(bytes);
    rest = rest.subspan(before + bytes.size());
  }
  write_pieces(rest, out);
}

}  // namespace

WrittenModel write_zeroed(const Model& model, const HeadMask& mask, const fs::path& output) {
  const Checkpoint& checkpoint = model.checkpoint();
  require_elsewhere(model, output);
  const Matrices matrices = matrices_of(model, mask);
  const bool one_file = checkpoint.is_gguf() && checkpoint.files().size() == 1;
  WrittenModel written;
  written.path = output;
  std::optional<OutputFolder> folder;
  if (!one_file) {
    require_empty_folder(output);
    folder.emplace(output);
  }
  std::vector<OutputFile> files;
  for (const MappedFile& file : checkpoint.files()) {
    OutputFile& out = files.emplace_back(one_file ? output : output / file.path().filename());
    write_weights(file, matrices, out);
    written.bytes += std::ssize(file.bytes());
  }
  if (!checkpoint.is_gguf()) copy_others(checkpoint, output, {}, written, files);
  if (!one_file && checkpoint.is_gguf()) written.path = output / checkpoint.files().front().path().filename();
  commit_all(checkpoint, files);
  return written;
}

}  // namespace idleheads
