// The folder of a golden family with another config.json or other tensors.
#pragma once

#include <algorithm>
#include <functional>
#include <vector>

#include "base/mapped_file.h"
#include "format/safetensors.h"
#include "model/folder_fixture.h"
#include "model/model.h"

namespace idleheads::test {

inline std::filesystem::path golden_family(const std::string& name) {
  return std::filesystem::path(IDLEHEADS_TEST_DATA) / "golden/families" / name;
}

inline void expect_equal(const AlignedBuffer<float>& a, const AlignedBuffer<float>& b,
                         const std::string& what) {
  ASSERT_EQ(a.size(), b.size()) << what;
  for (int64_t i = 0; i < a.size(); ++i) ASSERT_EQ(a[i], b[i]) << what << " " << i;
}

// Each function gives the message with which the changed folder is refused, or "no error".
class ChangedGolden : public FolderFixture {
 protected:
  explicit ChangedGolden(const std::string& family) : golden_(golden_family(family)) {}

  std::string with_config(const Json& changes) const {
    return open(changes, [](std::vector<Tensor>&) {});
  }
  std::string with_tensor(const std::string& name, const std::function<void(Tensor&)>& change) const {
    return open(Json::object(), [&](std::vector<Tensor>& tensors) {
      const auto found = std::ranges::find(tensors, name, &Tensor::name);
      if (found == tensors.end()) throw std::logic_error("the golden has no tensor " + name);
      change(*found);
    });
  }

 private:
  std::string open(const Json& changes, const std::function<void(std::vector<Tensor>&)>& change) const {
    Json config = parse_json(read_text_file(golden_ / "config.json"), "config.json");
    for (const auto& [key, value] : changes.items()) config[key] = value;
    write("config.json", dump_json(config));
    const MappedFile file(golden_ / "model.safetensors");
    std::vector<Tensor> tensors = parse_safetensors(file.bytes(), "model.safetensors").tensors;
    change(tensors);
    SafetensorsWriter writer;
    for (const Tensor& tensor : tensors)
      writer.add(tensor.name, tensor.dtype, tensor.shape, Bytes().bytes(tensor.data));
    write("model.safetensors", writer.bytes());
    return error_of([&] { Model::open(folder_.string()); });
  }

  const std::filesystem::path golden_;
};

}  // namespace idleheads::test
