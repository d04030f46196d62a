// A safetensors file to be written (safetensors.h).
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "format/tensor.h"

namespace idleheads {

class SafetensorsOutput {
 public:
  explicit SafetensorsOutput(std::map<std::string, std::string> metadata) : metadata_(std::move(metadata)) {}

  // A tensor's bytes are asked for when they are written. In any order: the file has wider types first, so
  // that all are aligned.
  using Data = std::function<std::vector<std::byte>()>;
  void add_tensor(std::string name, DType dtype, std::vector<int64_t> shape, Data data);

  // Gives the file to `sink`, piece by piece. Throws std::logic_error if a tensor's data have not the size of
  // its shape.
  using Sink = std::function<void(std::span<const std::byte>)>;
  void write(const Sink& sink) const;

  std::vector<std::string> names() const;  // of the tensors
  int64_t tensor_bytes() const;            // of all of them
  int64_t bytes() const;                   // of the file

 private:
  struct TensorEntry {
    std::string name;
    DType dtype = DType::f32;
    std::vector<int64_t> shape;
    Data data;
    int64_t size() const { return stored_bytes(dtype, shape); }
  };
  std::string header() const;

  std::map<std::string, std::string> metadata_;
  std::vector<TensorEntry> tensors_;  // in the order of the file
};

}  // namespace idleheads
