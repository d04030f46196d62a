// An opened checkpoint: tensors by name in memory-mapped files, and the settings that came with them.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/mapped_file.h"
#include "format/gguf.h"
#include "format/json.h"
#include "format/tensor.h"

namespace idleheads {

// The shard files that an index (model.safetensors.index.json) names, each once; all lie in its own folder.
// Throws Error with `name` for what is no index and for names that lead out of the folder.
std::set<std::string> shards_of(const Json& index, const std::string& name);

class Checkpoint {
 public:
  // `path` is a GGUF file, any part of a GGUF model in several files, or a folder with config.json and
  // model.safetensors, or model.safetensors.index.json and its shards. Throws Error that names the file, and
  // the tensor where one is at fault; for a folder with other weights or an adapter it says what to do.
  explicit Checkpoint(const std::filesystem::path& path);
  ~Checkpoint();

  const std::filesystem::path& path() const { return path_; }
  bool is_gguf() const { return gguf_.has_value(); }
  const Gguf& gguf() const { return *gguf_; }     // only if is_gguf()
  const Json& config() const { return config_; }  // config.json; only if not is_gguf()

  // nullptr if there is no tensor of that name.
  const Tensor* find(const std::string& name) const;
  // Throws Error if it is missing.
  const Tensor& require(const std::string& name) const;

  const std::vector<Tensor>& tensors() const { return tensors_; }
  const std::vector<MappedFile>& files() const { return files_; }  // those with weights
  int64_t file_bytes() const;
  int64_t parameters() const;  // numbers in all tensors

  // Hash of the settings and of all tensors (names, types, shapes, contents); the files' names do not matter,
  // nor which part of a GGUF model was given.
  // Computed at the first call, which reads all files.
  std::string fingerprint() const;

  // To be called before results are kept: throws Error that names the file if one is not what it was when it
  // was opened. Size and time of modification decide; where only the system's own time of change moved (a
  // file renamed, removed, copied back under its old time) the contents are compared by the fingerprint,
  // which must have been asked for before. Safe from several threads.
  void require_unchanged() const;

 private:
  struct Verified;
  std::string compute_fingerprint() const;
  void open_folder();
  void open_shards(const std::filesystem::path& index);
  void open_shard(const std::filesystem::path& file);

  std::filesystem::path path_;
  std::vector<MappedFile> files_;
  std::optional<Gguf> gguf_;
  Json config_;
  std::vector<Tensor> tensors_;
  std::unordered_map<std::string, size_t> index_;
  std::unique_ptr<Verified> verified_;
};

}  // namespace idleheads
