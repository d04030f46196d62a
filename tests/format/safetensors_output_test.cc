// Written safetensors files say what they were given.
#include "format/safetensors_output.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "format/safetensors.h"

namespace idleheads {
namespace {

using testing::ElementsAre;
using Bytes = std::vector<std::byte>;
using Metadata = std::map<std::string, std::string>;

Bytes numbered(size_t size, int first) {
  Bytes bytes(size);
  for (size_t i = 0; i < size; ++i) bytes[i] = static_cast<std::byte>(first + static_cast<int>(i));
  return bytes;
}

Bytes written(const SafetensorsOutput& out) {
  Bytes file;
  out.write([&](std::span<const std::byte> piece) { file.insert(file.end(), piece.begin(), piece.end()); });
  return file;
}

TEST(SafetensorsOutput, ReadsBack) {
  SafetensorsOutput out(Metadata{{"format", "pt"}});
  const Bytes a = numbered(6, 1), b = numbered(8, 50), c = numbered(2, 90);
  out.add_tensor("a", DType::bf16, {3, 1}, [&] { return a; });
  out.add_tensor("b", DType::f32, {2}, [&] { return b; });
  out.add_tensor("c", DType::f16, {1}, [&] { return c; });
  const Bytes file = written(out);
  EXPECT_EQ(out.bytes(), std::ssize(file));
  EXPECT_EQ(out.tensor_bytes(), 16);
  EXPECT_THAT(out.names(), ElementsAre("b", "a", "c")) << "b would not be aligned behind a";
  const Safetensors read = parse_safetensors(file, "written");
  EXPECT_EQ(read.metadata, (Metadata{{"format", "pt"}}));
  ASSERT_EQ(read.tensors.size(), 3u);
  const auto expect = [&](size_t i, const char* name, DType dtype, const std::vector<int64_t>& shape,
                          const Bytes& data) {
    const Tensor& tensor = read.tensors[i];
    EXPECT_EQ(tensor.name, name);
    EXPECT_EQ(tensor.dtype, dtype);
    EXPECT_EQ(tensor.shape, shape);
    EXPECT_EQ(Bytes(tensor.data.begin(), tensor.data.end()), data) << name;
  };
  expect(0, "a", DType::bf16, {3, 1}, a);
  expect(1, "b", DType::f32, {2}, b);
  expect(2, "c", DType::f16, {1}, c);
}

TEST(SafetensorsOutput, DataMustHaveTheSizeOfTheirShape) {
  SafetensorsOutput out(Metadata{});
  out.add_tensor("a", DType::f32, {2}, [] { return Bytes(7); });
  EXPECT_THROW(written(out), std::logic_error);
}

}  // namespace
}  // namespace idleheads
