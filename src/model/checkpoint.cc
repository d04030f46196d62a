#include "model/checkpoint.h"

#include <algorithm>
#include <set>

#include "base/fail.h"
#include "base/file_exists.h"
#include "base/hash.h"
#include "format/json.h"
#include "format/safetensors.h"
#include "model/checkpoint_verified.h"
#include "model/model_folder.h"
#include "model/split_gguf.h"

namespace idleheads {
namespace {

namespace fs = std::filesystem;

// Piece by piece, each given back once read: a file may be larger than the memory that may be used.
void add_mapped(Hasher& hasher, std::span<const std::byte> bytes) {
  constexpr size_t kPiece = size_t{16} << 20;
  for (; !bytes.empty(); bytes = bytes.subspan(std::min(kPiece, bytes.size()))) {
    const auto piece = bytes.first(std::min(kPiece, bytes.size()));
    hasher.add(piece);
    forget_pages(piece);
  }
}

}  // namespace

std::set<std::string> shards_of(const Json& index, const std::string& name) {
  if (!index.is_object() || !index.contains("weight_map") || !index["weight_map"].is_object()) {
    fail("{}: expected an object with a weight_map", name);
  }
  std::set<std::string> shards;
  for (const auto& [tensor, file] : index["weight_map"].items()) {
    if (!file.is_string()) fail("{}: weight_map of tensor {} is not a file name", name, printable(tensor));
    const std::string shard = file.get<std::string>();
    if (shard.empty() || shard.find('/') != std::string::npos || shard.find('\0') != std::string::npos) {
      fail("{}: weight_map of tensor {} names '{}', expected a file in the same folder", name,
           printable(tensor), printable(shard));
    }
    shards.insert(shard);
  }
  return shards;
}

Checkpoint::Checkpoint(const fs::path& path) : path_(path), verified_(std::make_unique<Verified>()) {
  std::error_code ignored;
  if (fs::is_directory(path, ignored)) {
    open_folder();
  } else {
    GgufModel model = open_gguf(path);
    files_ = std::move(model.files);
    gguf_ = std::move(model.gguf);
    tensors_ = gguf_->tensors;
    for (size_t i = 0; i < tensors_.size(); ++i) index_.emplace(tensors_[i].name, i);
  }
}

// The order in which transformers looks for weights: one file before an index.
void Checkpoint::open_folder() {
  refuse_adapter(path_);
  const fs::path config = path_ / "config.json";
  if (!file_exists(config)) {
    fail("{}: no config.json in this folder{}", shown_path(path_), other_weights(path_));
  }
  config_ = parse_json(read_text_file(config), config.string());
  const fs::path single = path_ / "model.safetensors", index = path_ / "model.safetensors.index.json";
  if (file_exists(single)) {
    open_shard(single);
  } else if (file_exists(index)) {
    open_shards(index);
  } else {
    fail("{}: neither model.safetensors nor model.safetensors.index.json in this folder{}", shown_path(path_),
         other_weights(path_));
  }
}

void Checkpoint::open_shards(const fs::path& index) {
  const Json parsed = parse_json(read_text_file(index), index.string());
  std::vector<std::string> shard_of;  // of each of tensors_
  for (const std::string& shard : shards_of(parsed, index.string())) {
    if (!file_exists(path_ / shard)) {
      fail("{}: {} is missing from the folder; the download or the copy is not complete", index.string(),
           printable(shard));
    }
    open_shard(path_ / shard);
    shard_of.resize(tensors_.size(), shard);
  }
  for (const auto& [tensor, file] : parsed["weight_map"].items()) {
    const auto found = index_.find(tensor);
    const std::string actual = found == index_.end() ? "" : shard_of[found->second];
    if (actual == file.get<std::string>()) continue;
    fail("{}: tensor {} is not in the file it is said to be in ({}){}", index.string(), printable(tensor),
         printable(file.get<std::string>()),
         actual.empty() ? "" : fmt::format(", but in {}", printable(actual)));
  }
}

void Checkpoint::open_shard(const fs::path& file) {
  files_.emplace_back(file);
  Safetensors parsed = parse_safetensors(files_.back().bytes(), file.string());
  for (Tensor& tensor : parsed.tensors) {
    if (!index_.emplace(tensor.name, tensors_.size()).second) {
      fail("{}: tensor {} is in two files", path_.string(), printable(tensor.name));
    }
    tensors_.push_back(std::move(tensor));
  }
}

const Tensor* Checkpoint::find(const std::string& name) const {
  const auto found = index_.find(name);
  return found == index_.end() ? nullptr : &tensors_[found->second];
}

const Tensor& Checkpoint::require(const std::string& name) const {
  if (const Tensor* tensor = find(name)) return *tensor;
  fail("{}: tensor {} is missing", path_.string(), name);
}

int64_t Checkpoint::file_bytes() const {
  int64_t total = 0;
  for (const MappedFile& file : files_) total += static_cast<int64_t>(file.bytes().size());
  return total;
}

int64_t Checkpoint::parameters() const {
  int64_t count = 0;
  for (const Tensor& tensor : tensors_) count += tensor.elements();
  return count;
}

std::string Checkpoint::compute_fingerprint() const {
  Hasher hasher;
  if (is_gguf()) {
    // A file is one piece: settings, tensor table and data. The parts of a model come in their order.
    for (const MappedFile& file : files_) add_mapped(hasher, file.bytes());
    return hasher.hex();
  }
  hasher.add(dump_json(config_));
  std::vector<const Tensor*> sorted;
  for (const Tensor& tensor : tensors_) sorted.push_back(&tensor);
  std::sort(sorted.begin(), sorted.end(), [](const Tensor* a, const Tensor* b) { return a->name < b->name; });
  for (const Tensor* tensor : sorted) {
    hasher.add(tensor->name);
    hasher.add(dtype_info(tensor->dtype).name);
    hasher.add(std::as_bytes(std::span(tensor->shape)));
    add_mapped(hasher, tensor->data);
  }
  return hasher.hex();
}

}  // namespace idleheads
