#include "prune/written_model.h"

#include <algorithm>

#include "base/error.h"

namespace idleheads {
namespace {

namespace fs = std::filesystem;

// Weights in formats that would still hold the heads.
bool is_other_weights(const fs::path& file) {
  static const std::set<std::string> kEndings = {".bin", ".pt",   ".pth",  ".ckpt", ".h5",         ".msgpack",
                                                 ".ot",  ".onnx", ".gguf", ".npz",  ".safetensors"};
  return kEndings.contains(file.extension().string());
}

}  // namespace

void require_elsewhere(const Model& model, const fs::path& output) {
  std::error_code ignored;
  if (fs::equivalent(model.checkpoint().path(), output, ignored))
    fail("{}: is the model itself; write to another place", printable(output.string(), 300));
}

void require_empty_folder(const fs::path& output) {
  std::error_code ignored;
  if (fs::is_directory(output, ignored) && !fs::is_empty(output, ignored))
    fail("{}: has files in it; name a new folder", printable(output.string(), 300));
}

void copy_others(const Checkpoint& checkpoint, const fs::path& output, const std::set<std::string>& anew,
                 WrittenModel& written, std::vector<OutputFile>& files) {
  for (const fs::directory_entry& entry : fs::directory_iterator(checkpoint.path())) {
    const std::string name = entry.path().filename().string();
    if (anew.contains(name)) continue;
    if (std::ranges::count(checkpoint.files(), entry.path(), &MappedFile::path) > 0) continue;
    if (!entry.is_regular_file() || is_other_weights(entry.path())) {
      written.left_out.push_back(entry.is_directory() ? name + "/" : name);
      continue;
    }
    files.emplace_back(output / name).write(read_text_file(entry.path()));
  }
  std::ranges::sort(written.left_out);
}

WrittenModel write_file(const Checkpoint& checkpoint, const GgufOutput& gguf, const fs::path& output) {
  std::vector<OutputFile> files;
  files.emplace_back(output);
  gguf.write([&](std::span<const std::byte> bytes) { files.front().write(bytes); });
  commit_all(checkpoint, files);
  return {output, gguf.bytes(), {}};
}

void commit_all(const Checkpoint& checkpoint, std::vector<OutputFile>& files) {
  checkpoint.require_unchanged();
  for (OutputFile& file : files) file.prepare();
  for (OutputFile& file : files) file.commit();
}

}  // namespace idleheads
