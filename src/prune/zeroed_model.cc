#include "prune/zeroed_model.h"

#include <algorithm>
#include <optional>

#include "base/mapped_file.h"
#include "prune/output_matrices.h"
#include "report/exports/output_file.h"

namespace idleheads {
namespace {

namespace fs = std::filesystem;

void write_pieces(std::span<const std::byte> bytes, OutputFile& out) {
  constexpr size_t kPiece = size_t{16} << 20;
  for (; !bytes.empty(); bytes = bytes.subspan(std::min(kPiece, bytes.size()))) {
    const auto piece = bytes.first(std::min(kPiece, bytes.size()));
    out.write(piece);
    forget_pages(piece);
  }
}

// The file with the matrices that lie in it replaced.
void write_weights(const MappedFile& file, const OutputMatrices& matrices, OutputFile& out) {
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

// One file, with the matrices that have another type now.
WrittenModel write_anew(const Checkpoint& checkpoint, const OutputMatrices& matrices,
                        const fs::path& output) {
  GgufOutput out;
  out.set_all(checkpoint.gguf());
  for (const Tensor& tensor : checkpoint.gguf().tensors) {
    TensorToWrite written = with_zeros(tensor, matrices);
    out.add_tensor(tensor.name, written.dtype, tensor.shape, std::move(written.data));
  }
  return write_file(checkpoint, out, output);
}

}  // namespace

WrittenModel write_zeroed(const Model& model, const HeadMask& mask, const fs::path& output,
                          std::optional<DType> requantized) {
  const Checkpoint& checkpoint = model.checkpoint();
  require_elsewhere(model, output);
  const OutputMatrices matrices = output_matrices(model, mask, requantized);
  if (std::ranges::any_of(matrices, [](const auto& entry) { return entry.second.anew.has_value(); }))
    return write_anew(checkpoint, matrices, output);
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
