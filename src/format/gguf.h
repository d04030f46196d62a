// The GGUF container, versions 2 and 3, little-endian (ggml-org/ggml docs/gguf.md).
#pragma once

#include <map>
#include <variant>

#include "format/tensor.h"

namespace idleheads {

// A metadata value: all integer types are widened to int64 (uint64 above its range is refused), floats to
// double. Arrays hold elements of one type; arrays of arrays are refused.
using GgufValue = std::variant<int64_t, double, bool, std::string, std::vector<int64_t>, std::vector<double>,
                               std::vector<bool>, std::vector<std::string>>;

// A key with its value as it lies in the file.
struct GgufPair {
  std::string key;
  uint32_t type = 0;                 // GGUF's number of the value's type
  std::span<const std::byte> bytes;  // of the value; of an array its type and length too
};

struct Gguf {
  uint32_t version = 0;
  std::map<std::string, GgufValue> metadata;
  std::vector<GgufPair> pairs;  // the same, in file order
  std::vector<Tensor> tensors;  // in file order; shapes outermost first (GGUF stores innermost first)
  std::string name;             // stands in messages for the file; may be empty
};

// Reads header, metadata and the tensor table; tensor data point into `bytes`. `name` stands in messages for
// the file. Total on any input: throws Error that says what is wrong and where (byte offset, key, tensor).
Gguf parse_gguf(std::span<const std::byte> bytes, std::string_view name);

// True if the bytes begin with GGUF's magic.
bool looks_like_gguf(std::span<const std::byte> bytes);

// Typed look-up; T is any alternative of GgufValue. If the key is absent, `find` gives nullptr and `require`
// throws Error. Both throw Error, naming the key and the types, if the value has another type.
template <typename T>
const T* find(const Gguf& gguf, const std::string& key);
template <typename T>
const T& require(const Gguf& gguf, const std::string& key);

}  // namespace idleheads
