#include "model/checkpoint.h"

#include <algorithm>
#include <set>

#include "base/error.h"
#include "base/hash.h"
#include "format/safetensors.h"
#include "model/checkpoint_verified.h"

namespace idleheads {
namespace {

namespace fs = std::filesystem;

// The shard files that an index names, each once. Names must stay inside the folder.
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

Checkpoint::Checkpoint(const fs::path& path) : path_(path), verified_(std::make_unique<Verified>()) {
  if (fs::is_directory(path)) {
    open_folder();
  } else {
    files_.emplace_back(path);
    const std::string name = path.filename().string();
    if (!looks_like_gguf(files_.back().bytes())) {
      fail(
          "{}: not a GGUF file (its first four bytes are not 'GGUF'); for safetensors give the folder with "
          "config.json",
          printable(path.string(), 300));
    }
    gguf_ = parse_gguf(files_.back().bytes(), name);
    tensors_ = gguf_->tensors;
  }
  for (size_t i = 0; i < tensors_.size(); ++i) {
    if (!index_.emplace(tensors_[i].name, i).second) {
      fail("{}: tensor {} is in two files", path.string(), printable(tensors_[i].name));
    }
  }
}

void Checkpoint::open_folder() {
  const fs::path config = path_ / "config.json";
  if (!fs::exists(config)) fail("{}: no config.json in this folder", printable(path_.string(), 300));
  config_ = parse_json(read_text_file(config), config.string());
  const fs::path single = path_ / "model.safetensors", index = path_ / "model.safetensors.index.json";
  if (fs::exists(index)) {
    const Json parsed = parse_json(read_text_file(index), index.string());
    for (const std::string& shard : shards_of(parsed, index.string())) open_shard(path_ / shard);
    for (const auto& [tensor, file] : parsed["weight_map"].items()) {
      const auto found =
          std::find_if(tensors_.begin(), tensors_.end(), [&](const Tensor& t) { return t.name == tensor; });
      if (found == tensors_.end()) {
        fail("{}: tensor {} is not in the file it is said to be in ({})", index.string(), printable(tensor),
             file.get<std::string>());
      }
    }
  } else if (fs::exists(single)) {
    open_shard(single);
  } else {
    fail("{}: neither model.safetensors nor model.safetensors.index.json in this folder",
         printable(path_.string(), 300));
  }
}

void Checkpoint::open_shard(const fs::path& file) {
  files_.emplace_back(file);
  Safetensors parsed = parse_safetensors(files_.back().bytes(), file.string());
  std::move(parsed.tensors.begin(), parsed.tensors.end(), std::back_inserter(tensors_));
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

std::string Checkpoint::compute_fingerprint() const {
  Hasher hasher;
  if (is_gguf()) {
    // The file is one piece: settings, tensor table and data.
    add_mapped(hasher, files_.front().bytes());
    return hasher.hex();
  }
  hasher.add(config_.dump());
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
