// A GGUF file, version 3, to be written (ggml-org/ggml docs/gguf.md).
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "format/gguf.h"

namespace idleheads {

// Whether a key says how its file is made (parts, alignment), and so does not go into another.
bool is_of_the_file(std::string_view key);

class GgufOutput {
 public:
  // Metadata in their order. A key that is there already gets another value.
  void set(const GgufPair& pair);
  // All of a file but what says how that file itself is made: parts and alignment.
  void set_all(const Gguf& gguf);
  void set(const std::string& key, uint32_t value);
  void set(const std::string& key, std::string_view text);
  void set(const std::string& key, std::span<const uint32_t> items);
  void set(const std::string& key, std::span<const std::string> items);

  // A tensor's bytes are asked for when they are written. `shape`: outermost first, whole blocks in a row.
  using Data = std::function<std::vector<std::byte>()>;
  void add_tensor(std::string name, DType dtype, std::vector<int64_t> shape, Data data);

  // Gives the file to `sink`, piece by piece. Throws std::logic_error if a tensor's data have not the size of
  // its shape.
  using Sink = std::function<void(std::span<const std::byte>)>;
  void write(const Sink& sink) const;

  int64_t bytes() const;  // of the file

 private:
  struct Pair {
    std::string key;
    uint32_t type = 0;
    std::vector<std::byte> bytes;
  };
  struct TensorEntry {
    std::string name;
    DType dtype = DType::f32;
    std::vector<int64_t> shape;
    Data data;
    uint64_t size() const;
  };
  void put(const std::string& key, uint32_t type, std::vector<std::byte> bytes);
  std::vector<std::byte> head() const;

  std::vector<Pair> pairs_;
  std::vector<TensorEntry> tensors_;
};

}  // namespace idleheads
