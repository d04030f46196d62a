// Builds GGUF files in memory, right ones and, by changing the public fields, wrong ones.
//
//   GgufWriter writer;
//   writer.add("general.architecture", "llama").add("llama.block_count", uint32_t{2});
//   writer.add_tensor("output_norm.weight", {2, 3}, {1, 2, 3, 4, 5, 6});
//   parse_gguf(writer.bytes(), "test");
#pragma once

#include <algorithm>
#include <concepts>
#include <optional>
#include <string>
#include <type_traits>
#include <vector>

#include "format/gguf_types.h"
#include "format/tensor.h"
#include "format/test_bytes.h"

namespace idleheads::test {

// GGUF's numbers of metadata value types.
enum class GgufType : uint32_t { u8, i8, u16, i16, u32, i32, f32, boolean, string, array, u64, i64, f64 };

template <typename T>
constexpr GgufType gguf_type() {
  if constexpr (std::same_as<T, bool>) return GgufType::boolean;
  if constexpr (std::same_as<T, std::string>) return GgufType::string;
  if constexpr (std::same_as<T, float>) return GgufType::f32;
  if constexpr (std::same_as<T, double>) return GgufType::f64;
  if constexpr (std::same_as<T, uint8_t>) return GgufType::u8;
  if constexpr (std::same_as<T, int8_t>) return GgufType::i8;
  if constexpr (std::same_as<T, uint16_t>) return GgufType::u16;
  if constexpr (std::same_as<T, int16_t>) return GgufType::i16;
  if constexpr (std::same_as<T, uint32_t>) return GgufType::u32;
  if constexpr (std::same_as<T, int32_t>) return GgufType::i32;
  if constexpr (std::same_as<T, uint64_t>) return GgufType::u64;
  if constexpr (std::same_as<T, int64_t>) return GgufType::i64;
}

// A value as it lies in the file.
inline Bytes gguf_bytes(const std::string& text) { return Bytes().number(uint64_t{text.size()}).text(text); }
template <typename T>
requires std::is_arithmetic_v<T> Bytes gguf_bytes(T value) { return Bytes().number(value); }

struct GgufPair {
  std::string key;
  uint32_t type = 0;
  Bytes value;
};

struct GgufTensor {
  std::string name;
  uint32_t type = 0;                 // GGML's number
  std::vector<uint64_t> dimensions;  // as in the file: innermost first
  Bytes data;
  std::optional<uint64_t> offset;  // a wrong offset to put in the table; the data lie where they should
};

class GgufWriter {
 public:
  // What the header says; the counts are those of the lists unless set.
  std::string magic = "GGUF";
  uint32_t version = 3;
  std::optional<uint64_t> pair_count;
  std::optional<uint64_t> tensor_count;
  uint64_t alignment = 32;  // of the data; the key general.alignment is not added by itself
  std::vector<GgufPair> pairs;
  std::vector<GgufTensor> tensors;

  // The value's type in the file is that of the C++ type.
  template <typename T>
  GgufWriter& add(const std::string& key, const T& value) {
    if constexpr (std::convertible_to<T, std::string>) {
      return add_raw(key, GgufType::string, gguf_bytes(std::string(value)));
    } else {
      return add_raw(key, gguf_type<T>(), gguf_bytes(value));
    }
  }

  template <typename T>
  GgufWriter& add(const std::string& key, const std::vector<T>& items) {
    Bytes value;
    value.number(static_cast<uint32_t>(gguf_type<T>())).number(uint64_t{items.size()});
    for (const T& item : items) value.bytes(gguf_bytes(item));
    return add_raw(key, GgufType::array, value);
  }

  GgufWriter& add_raw(const std::string& key, GgufType type, const Bytes& value) {
    pairs.push_back({key, static_cast<uint32_t>(type), value});
    return *this;
  }

  // `shape` is outermost first, as in Tensor; `data` are the bytes of the tensor's blocks.
  GgufWriter& add_tensor(const std::string& name, DType dtype, const std::vector<int64_t>& shape,
                         const Bytes& data) {
    tensors.push_back({name, ggml_type_id(dtype), {shape.rbegin(), shape.rend()}, data, std::nullopt});
    return *this;
  }
  GgufWriter& add_tensor(const std::string& name, const std::vector<int64_t>& shape,
                         const std::vector<float>& values) {
    Bytes data;
    for (const float value : values) data.number(value);
    return add_tensor(name, DType::f32, shape, data);
  }

  // Header, metadata and tensor table.
  std::vector<std::byte> head() const { return build_head().content(); }

  // The whole file: the head and, aligned, the tensors' data in their order.
  std::vector<std::byte> bytes() const {
    Bytes file = build_head();
    file.pad(alignment);
    const uint64_t begin = file.size();
    const std::vector<uint64_t> offsets = place();
    for (size_t i = 0; i < tensors.size(); ++i) file.put_at(begin + offsets[i], tensors[i].data);
    return file.content();
  }

 private:
  Bytes build_head() const {
    Bytes file;
    file.text(magic).number(version);
    file.number(tensor_count.value_or(tensors.size())).number(pair_count.value_or(pairs.size()));
    for (const GgufPair& pair : pairs) file.bytes(gguf_bytes(pair.key)).number(pair.type).bytes(pair.value);
    const std::vector<uint64_t> offsets = place();
    for (size_t i = 0; i < tensors.size(); ++i) {
      const GgufTensor& tensor = tensors[i];
      file.bytes(gguf_bytes(tensor.name)).number(static_cast<uint32_t>(tensor.dimensions.size()));
      for (const uint64_t length : tensor.dimensions) file.number(length);
      file.number(tensor.type).number(tensor.offset.value_or(offsets[i]));
    }
    return file;
  }

  // Where the tensors' data lie behind the head.
  std::vector<uint64_t> place() const {
    std::vector<uint64_t> offsets;
    uint64_t end = 0;
    for (const GgufTensor& tensor : tensors) {
      offsets.push_back(end);
      end = (end + tensor.data.size() + alignment - 1) / alignment * alignment;
    }
    return offsets;
  }
};

}  // namespace idleheads::test
