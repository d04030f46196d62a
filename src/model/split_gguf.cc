#include "model/split_gguf.h"

#include <algorithm>
#include <charconv>
#include <unordered_map>

#include "base/fail.h"
#include "base/file_exists.h"

namespace idleheads {
namespace {

namespace fs = std::filesystem;

constexpr int kMostParts = 99999;  // five digits in the name

struct Part {
  MappedFile file;
  Gguf gguf;
  int64_t number = 0;   // split.no, from 0
  int64_t count = 0;    // split.count; 0 and 1: the model is not split
  int64_t tensors = 0;  // split.tensors.count: those of all parts
};

int64_t split_value(const Gguf& gguf, const std::string& key, int64_t absent) {
  const int64_t* value = find<int64_t>(gguf, key);
  if (value == nullptr) return absent;
  if (*value < 0)
    fail("{}: metadata {} is {}, expected a number that is not negative", gguf.name, key, *value);
  return *value;
}

Part open_part(const fs::path& path) {
  MappedFile file(path);
  if (!looks_like_gguf(file.bytes())) {
    fail(
        "{}: not a GGUF file (its first four bytes are not 'GGUF'); for safetensors give the folder with "
        "config.json",
        shown_path(path));
  }
  Gguf gguf = parse_gguf(file.bytes(), path.filename().string());
  Part part = {std::move(file), std::move(gguf)};
  part.number = split_value(part.gguf, "split.no", 0);
  part.count = split_value(part.gguf, "split.count", 0);
  part.tensors = split_value(part.gguf, "split.tensors.count", 0);
  if (part.count > kMostParts || (part.count > 1 && part.number >= part.count)) {
    fail("{}: metadata split.no is {} and split.count {}, expected a part and at most {} of them",
         shown_path(path), part.number, part.count, kMostParts);
  }
  return part;
}

// The name that a part of this number must have beside `part`.
PartName neighbour(const PartName& part, int number) { return {part.stem, number, part.count}; }

// What the file says it is must be what its name says.
PartName checked_name(const Part& part, const fs::path& path) {
  const std::optional<PartName> name = part_name(path.filename().string());
  if (!name || name->number != part.number + 1 || name->count != part.count) {
    fail("{}: renamed: it is part {} of {} of a model, expected a name that ends in {}", shown_path(path),
         part.number + 1, part.count,
         name_of({"", static_cast<int>(part.number) + 1, static_cast<int>(part.count)}));
  }
  return *name;
}

// Beside the keys of the split, parts repeat metadata or leave it out; what they repeat must be the same.
void check_same_model(const Part& first, const Part& part, const fs::path& path) {
  if (part.count != first.count || part.tensors != first.tensors) {
    fail("{}: part of another model: it says {} parts and {} tensors, {} says {} and {}", shown_path(path),
         part.count, part.tensors, first.gguf.name, first.count, first.tensors);
  }
  for (const auto& [key, value] : part.gguf.metadata) {
    const auto other = first.gguf.metadata.find(key);
    if (key == "split.no" || key == "general.alignment" || other == first.gguf.metadata.end()) continue;
    if (other->second != value) {
      fail("{}: part of another model: metadata {} is not that of {}", shown_path(path), printable(key),
           first.gguf.name);
    }
  }
}

GgufModel joined(std::vector<Part> parts) {
  GgufModel model;
  std::unordered_map<std::string, std::string> owner;  // tensor: part
  for (const Part& part : parts) {
    for (const Tensor& tensor : part.gguf.tensors) {
      const auto [at, added] = owner.emplace(tensor.name, part.gguf.name);
      if (!added) {
        fail("{}: tensor {} is in {} too; one of them is a part of another model", part.gguf.name,
             printable(tensor.name), at->second);
      }
    }
  }
  const int64_t expected = parts.front().tensors;
  if (expected != 0 && static_cast<int64_t>(owner.size()) != expected) {
    fail("{}: the {} parts hold {} tensors, expected {} (split.tensors.count)", parts.front().gguf.name,
         parts.size(), owner.size(), expected);
  }
  for (Part& part : parts) {
    if (model.files.empty()) {
      model.gguf = std::move(part.gguf);
    } else {
      std::move(part.gguf.tensors.begin(), part.gguf.tensors.end(), std::back_inserter(model.gguf.tensors));
    }
    model.files.push_back(std::move(part.file));
  }
  return model;
}

}  // namespace

std::optional<PartName> part_name(const std::string& file_name) {
  constexpr std::string_view kEnd = "-00000-of-00000.gguf";
  if (file_name.size() <= kEnd.size()) return std::nullopt;
  const std::string_view end = std::string_view(file_name).substr(file_name.size() - kEnd.size());
  if (end.substr(0, 1) != "-" || end.substr(6, 4) != "-of-" || end.substr(15) != ".gguf") return std::nullopt;
  const auto number = [](std::string_view digits) {
    int value = 0;
    const auto result = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    return result.ptr == digits.data() + digits.size() ? value : 0;
  };
  PartName part = {file_name.substr(0, file_name.size() - kEnd.size()), number(end.substr(1, 5)),
                   number(end.substr(10, 5))};
  if (part.number < 1 || part.number > part.count) return std::nullopt;
  return part;
}

std::string name_of(const PartName& part) {
  return fmt::format("{}-{:05}-of-{:05}.gguf", part.stem, part.number, part.count);
}

GgufModel open_gguf(const fs::path& path) {
  std::vector<Part> parts;
  Part given = open_part(path);
  if (given.count <= 1) {
    parts.push_back(std::move(given));
    return joined(std::move(parts));
  }
  const PartName name = checked_name(given, path);
  for (int number = 1; number <= name.count; ++number) {
    const fs::path file = path.parent_path() / name_of(neighbour(name, number));
    if (!file_exists(file)) {
      fail("{}: part {} of {} is missing: {}", shown_path(path), number, name.count, shown_path(file));
    }
    parts.push_back(number == name.number ? std::move(given) : open_part(file));
    if (number != name.number) checked_name(parts.back(), file);
    check_same_model(parts.front(), parts.back(), file);
  }
  return joined(std::move(parts));
}

}  // namespace idleheads
