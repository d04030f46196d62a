// The folder of a golden family with another config.json or other tensors.
#pragma once

#include <algorithm>
#include <functional>
#include <vector>

#include "base/mapped_file.h"
#include "base/matrix.h"
#include "format/safetensors.h"
#include "idleheads/model/model.h"
#include "model/folder_fixture.h"

namespace idleheads::test {

inline std::filesystem::path golden_family(const std::string& name) {
  return std::filesystem::path(IDLEHEADS_TEST_DATA) / "golden/families" / name;
}

inline void expect_equal(const AlignedBuffer<float>& a, const AlignedBuffer<float>& b,
                         const std::string& what) {
  ASSERT_EQ(a.size(), b.size()) << what;
  for (int64_t i = 0; i < a.size(); ++i) ASSERT_EQ(a[i], b[i]) << what << " " << i;
}

using ChangeConfig = std::function<void(Json&)>;
using ChangeTensors = std::function<void(std::vector<Tensor>&)>;

// The message with which a golden's folder is refused after these changes, or "no error".
inline std::string opening_of(
    const std::string& family, const ChangeConfig& change_config,
    const ChangeTensors& change_tensors = [](std::vector<Tensor>&) {}) {
  const std::filesystem::path golden = golden_family(family);
  const TempFolder folder;
  Json config = parse_json(read_text_file(golden / "config.json"), "config.json");
  change_config(config);
  folder.write("config.json", dump_json(config));
  const MappedFile file(golden / "model.safetensors");
  std::vector<Tensor> tensors = parse_safetensors(file.bytes(), "model.safetensors").tensors;
  change_tensors(tensors);
  SafetensorsWriter writer;
  for (const Tensor& tensor : tensors)
    writer.add(tensor.name, tensor.dtype, tensor.shape, Bytes().bytes(tensor.data));
  const std::vector<std::byte> bytes = writer.bytes();
  folder.write("model.safetensors", std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size()));
  return error_of([&] { Model::open(folder.string()); });
}

// Of one family.
class ChangedGolden : public testing::Test {
 protected:
  explicit ChangedGolden(std::string family) : family_(std::move(family)) {}

  std::string with_config(const Json& changes) const {
    return opening_of(family_, [&](Json& config) { config.update(changes); });
  }
  std::string with_tensor(const std::string& name, const std::function<void(Tensor&)>& change) const {
    return opening_of(
        family_, [](Json&) {},
        [&](std::vector<Tensor>& tensors) {
          const auto found = std::ranges::find(tensors, name, &Tensor::name);
          if (found == tensors.end()) throw std::logic_error("the golden has no tensor " + name);
          change(*found);
        });
  }

 private:
  const std::string family_;
};

}  // namespace idleheads::test
