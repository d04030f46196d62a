// Builds safetensors files in memory.
//
//   SafetensorsWriter writer;
//   writer.add("model.norm.weight", {2}, {1.0f, 2.0f});
//   parse_safetensors(writer.bytes(), "test");
//
// Wrong files: safetensors_bytes(header, data) takes any header.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "format/tensor.h"
#include "format/test_bytes.h"

namespace idleheads::test {

inline std::vector<std::byte> safetensors_bytes(const std::string& header, const Bytes& data = {}) {
  return Bytes().number(uint64_t{header.size()}).text(header).bytes(data).content();
}

class SafetensorsWriter {
 public:
  SafetensorsWriter& add_metadata(const std::string& key, const std::string& value) {
    header_["__metadata__"][key] = value;
    return *this;
  }

  // `data` are the tensor's bytes; tensors lie in the file in the order they are added.
  SafetensorsWriter& add(const std::string& name, DType dtype, const std::vector<int64_t>& shape,
                         const Bytes& data) {
    const size_t begin = data_.size(), end = begin + data.size();
    header_[name] = {
        {"dtype", std::string(dtype_info(dtype).name)}, {"shape", shape}, {"data_offsets", {begin, end}}};
    data_.bytes(data);
    return *this;
  }
  SafetensorsWriter& add(const std::string& name, const std::vector<int64_t>& shape,
                         const std::vector<float>& values) {
    Bytes data;
    for (const float value : values) data.number(value);
    return add(name, DType::f32, shape, data);
  }

  std::vector<std::byte> bytes() const {
    std::string header = header_.dump();
    header.resize((header.size() + 7) / 8 * 8, ' ');
    return safetensors_bytes(header, data_);
  }

 private:
  nlohmann::json header_ = nlohmann::json::object();
  Bytes data_;
};

}  // namespace idleheads::test
