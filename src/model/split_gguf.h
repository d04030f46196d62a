// A GGUF model in one file or in several, as llama.cpp's gguf-split cuts it: NAME-00001-of-00003.gguf, ...
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "base/mapped_file.h"
#include "format/gguf.h"

namespace idleheads {

// What the name of a part says; "model-00002-of-00003.gguf" is {"model", 2, 3}.
struct PartName {
  std::string stem;
  int number = 0, count = 0;  // counted from 1
};

// Nothing for a name without the ending "-00002-of-00003.gguf" or with numbers that are no part.
std::optional<PartName> part_name(const std::string& file_name);
// "model-00002-of-00003.gguf"
std::string name_of(const PartName& part);

struct GgufModel {
  std::vector<MappedFile> files;  // the parts in their order
  Gguf gguf;                      // the first part's metadata and the tensors of all parts
};

// Opens the whole model that the file is or is a part of. Throws Error that names the file: a part that is
// missing, renamed, or of another model; tensors that are in two parts, or fewer than the parts say.
GgufModel open_gguf(const std::filesystem::path& path);

}  // namespace idleheads
