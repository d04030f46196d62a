#include "prune/written_model.h"

#include <algorithm>

#include "base/fail.h"
#include "base/mapped_file.h"
#include "format/json.h"
#include "format/safetensors.h"
#include "model/checkpoint.h"

namespace idleheads {
namespace {

namespace fs = std::filesystem;

// Weights in formats that would still hold the heads.
bool is_other_weights(const fs::path& file) {
  static const std::set<std::string> kEndings = {".bin", ".pt",   ".pth",  ".ckpt", ".h5",         ".msgpack",
                                                 ".ot",  ".onnx", ".gguf", ".npz",  ".safetensors"};
  return kEndings.contains(file.extension().string());
}

constexpr const char *kSingle = "model.safetensors", *kIndex = "model.safetensors.index.json";

// The files with weights, and the index of those that are not found by their name.
void write_weights(const Checkpoint& checkpoint, const AddTensor& add, WrittenModel& written,
                   std::vector<OutputFile>& files) {
  int64_t tensor_bytes = 0;
  Json shards = Json::object();
  for (const MappedFile& file : checkpoint.files()) {
    const Safetensors whole = parse_safetensors(file.bytes(), file.path().string());
    SafetensorsOutput out(whole.metadata);
    for (const Tensor& tensor : whole.tensors) add(tensor, out);
    const std::string name = file.path().filename().string();
    const std::vector<std::string> names = out.names();
    if (names.empty()) continue;
    for (const std::string& tensor : names) shards[tensor] = name;
    OutputFile& to = files.emplace_back(written.path / name);
    out.write([&](std::span<const std::byte> bytes) { to.write(bytes); });
    written.bytes += out.bytes();
    tensor_bytes += out.tensor_bytes();
  }
  if (checkpoint.files().front().path().filename() == kSingle) return;
  const Json index = {{"metadata", {{"total_size", tensor_bytes}}}, {"weight_map", shards}};
  files.emplace_back(written.path / kIndex).write(dump_json(index, 2) + "\n");
}

}  // namespace

void require_elsewhere(const Model& model, const fs::path& output) {
  std::error_code ignored;
  if (fs::equivalent(model.checkpoint().path(), output, ignored))
    fail("{}: is the model itself; write to another place", shown_path(output));
}

void require_empty_folder(const fs::path& output) {
  std::error_code ignored;
  if (fs::is_directory(output, ignored) && !fs::is_empty(output, ignored))
    fail("{}: has files in it; name a new folder", shown_path(output));
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

WrittenModel write_folder(const Checkpoint& checkpoint, const fs::path& output, const AddTensor& add,
                          const std::map<std::string, std::string>& anew) {
  require_empty_folder(output);
  const OutputFolder folder(output);
  WrittenModel written;
  written.path = output;
  std::vector<OutputFile> files;
  write_weights(checkpoint, add, written, files);
  std::set<std::string> names = {kIndex};
  for (const auto& [name, text] : anew) {
    files.emplace_back(output / name).write(text);
    names.insert(name);
  }
  copy_others(checkpoint, output, names, written, files);
  commit_all(checkpoint, files);
  return written;
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
