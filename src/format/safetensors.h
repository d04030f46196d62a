// The safetensors format (huggingface/safetensors): u64 header size, JSON header, tensor bytes.
#pragma once

#include <map>

#include "format/tensor.h"

namespace idleheads {

struct Safetensors {
  std::map<std::string, std::string> metadata;  // the header's __metadata__
  std::vector<Tensor> tensors;                  // in order of their names
};

// Reads the header; tensor data point into `bytes`. `name` stands in messages for the file. Total on any
// input: throws Error that says what is wrong (sizes beyond the file, overlapping or misaligned tensors,
// unknown or unsupported types, shapes that overflow or contradict the byte range, duplicate names, holes).
Safetensors parse_safetensors(std::span<const std::byte> bytes, std::string_view name);

}  // namespace idleheads
