#include "format/safetensors.h"

#include <fmt/format.h>

#include <filesystem>

#include "base/mapped_file.h"
#include "format/bad_file.h"
#include "format/safetensors_writer.h"

namespace idleheads::test {
namespace {

using testing::ElementsAre;
using testing::Pair;

TEST(Safetensors, ReadsTensorsInOrderOfTheirNames) {
  SafetensorsWriter writer;
  writer.add_metadata("format", "pt");
  writer.add("z", {2, 3}, {1, 2, 3, 4, 5, 6});
  writer.add("a", DType::bf16, {2}, Bytes().number(uint16_t{0x3f80}).number(uint16_t{0xc000}));
  writer.add("scalar", DType::f16, {}, Bytes().number(uint16_t{0x3800}));
  writer.add("empty", DType::f16, {0, 5}, {});
  const std::vector<std::byte> bytes = writer.bytes();
  const Safetensors file = parse_safetensors(bytes, "test");
  EXPECT_THAT(file.metadata, ElementsAre(Pair("format", "pt")));
  ASSERT_EQ(file.tensors.size(), 4u);
  EXPECT_EQ(file.tensors[0].name, "a");
  EXPECT_EQ(file.tensors[1].name, "empty");
  EXPECT_EQ(file.tensors[2].name, "scalar");
  EXPECT_EQ(file.tensors[3].name, "z");
  EXPECT_THAT(file.tensors[3].shape, ElementsAre(2, 3));
  std::vector<float> values(2);
  dequantize(file.tensors[0].dtype, file.tensors[0].data, values);
  EXPECT_THAT(values, ElementsAre(1, -2));
  EXPECT_EQ(file.tensors[1].elements(), 0);
  EXPECT_EQ(file.tensors[2].elements(), 1);
  expect_sound(file.tensors, bytes);
}

TEST(Safetensors, ReadsFileWithoutTensors) {
  EXPECT_TRUE(parse_safetensors(safetensors_bytes("{}"), "test").tensors.empty());
}

// Older files have headers whose size is not a multiple of 8; the data's offsets count from its end.
TEST(Safetensors, AcceptsAnyHeaderSize) {
  const std::string header = R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})";
  for (size_t spaces = 0; spaces < 8; ++spaces) {
    const auto bytes = safetensors_bytes(header + std::string(spaces, ' '), Bytes().number(2.0f));
    const Safetensors file = parse_safetensors(bytes, "test");
    expect_sound(file.tensors, bytes);
  }
}

// Written by the safetensors Python package.
TEST(Safetensors, ReadsFileOfSafetensorsPackage) {
  const auto path = std::filesystem::path(IDLEHEADS_TEST_DATA) / "golden/tiny/llama/model.safetensors";
  const MappedFile file(path);
  const Safetensors parsed = parse_safetensors(file.bytes(), "test");
  EXPECT_GT(parsed.tensors.size(), 10u);
  expect_sound(parsed.tensors, file.bytes());
}

TEST(Safetensors, SurvivesEveryCutAndEveryFlippedBit) {
  SafetensorsWriter writer;
  writer.add_metadata("format", "pt");
  writer.add("norm", {3}, {1, 2, 3});
  writer.add("head", DType::f16, {2, 2}, Bytes().fill(8, 1));
  expect_total(writer.bytes(), parse_safetensors);
}

std::string entry(const std::string& name, const std::string& dtype, const std::string& shape,
                  const std::string& range) {
  return fmt::format(R"("{}":{{"dtype":"{}","shape":{},"data_offsets":{}}})", name, dtype, shape, range);
}

// A file of 8 bytes of data.
BadFile bad(const std::string& name, const std::string& header, const std::string& message) {
  return {name, safetensors_bytes(header, Bytes().fill(8)), message};
}

BadFile bad_size(const std::string& name, uint64_t header_size, const std::string& message) {
  return {name, Bytes().number(header_size).text("{}").content(), message};
}

std::vector<BadFile> bad_headers() {
  const std::string good = entry("a", "F32", "[2]", "[0,8]");
  return {
      {"EmptyFile", {}, "0 bytes, too short"},
      {"SevenBytes", Bytes().fill(7).content(), "7 bytes, too short"},
      bad_size("HeaderSizeHuge", uint64_t{1} << 60, "header of 1152921504606846976 bytes does not fit"),
      bad_size("HeaderSizeAll", UINT64_MAX, "does not fit in the file of 10 bytes"),
      bad_size("HeaderSizeOneMore", 3, "header of 3 bytes does not fit"),
      bad_size("HeaderEmpty", 0, "does not begin with '{'"),
      bad("HeaderArray", "[]", "does not begin with '{'"),
      bad("HeaderNotJson", "{" + good, "test (header):1: not valid JSON"),
      bad("HeaderTextBehind", "{" + good + "} x", "not valid JSON"),
      bad("HeaderDeep", "{\"a\":" + std::string(100000, '['), "nested deeper than 64"),
      bad("HeaderNotUtf8", "{\"\xff\":1}", "not valid JSON"),
      bad("NameTwice", "{" + good + "," + good + "}", "key \"a\" is given twice"),
      bad("NameEmpty", "{" + entry("", "F32", "[2]", "[0,8]") + "}", "empty name"),
      bad("NameMegabyte", "{" + entry(std::string(1000000, 'x'), "F32", "[3]", "[0,8]") + "}",
          "xxx...: 8 bytes"),
      bad("MetadataList", R"({"__metadata__":[]})", "__metadata__ is not an object"),
      bad("MetadataNumber", R"({"__metadata__":{"a":1}})", "__metadata__ \"a\" is not a string"),
  };
}

std::vector<BadFile> bad_tensors() {
  const auto one = [](const std::string& name, const std::string& dtype, const std::string& shape,
                      const std::string& range, const std::string& message) {
    return bad(name, "{" + entry("w", dtype, shape, range) + "}", message);
  };
  const auto two = [](const std::string& name, const std::string& first, const std::string& second,
                      const std::string& message) {
    return bad(name, "{" + first + "," + second + "}", message);
  };
  return {
      bad("EntryNumber", R"({"w":1})", "tensor w: the header's entry is not an object"),
      bad("EntryUnknownField", R"({"w":{"dtype":"F32","shape":[2],"data_offsets":[0,8],"x":0}})",
          "unknown field \"x\""),
      bad("DtypeMissing", R"({"w":{"shape":[2],"data_offsets":[0,8]}})", "tensor w: no dtype"),
      bad("ShapeMissing", R"({"w":{"dtype":"F32","data_offsets":[0,8]}})", "tensor w: no list shape"),
      bad("OffsetsMissing", R"({"w":{"dtype":"F32","shape":[2]}})", "tensor w: no list data_offsets"),
      one("DtypeI64", "I64", "[1]", "[0,8]",
          "tensor w has type I64, which is not supported; supported: F32, F16, BF16"),
      one("DtypeF8", "F8_E4M3", "[8]", "[0,8]", "tensor w has type F8_E4M3"),
      one("DtypeQuantised", "Q4_0", "[32]", "[0,8]", "tensor w has type Q4_0"),
      one("DtypeUnknown", "x", "[1]", "[0,8]", "tensor w has type x"),
      one("ShapeNegative", "F32", "[-2]", "[0,8]", "shape holds something else than whole numbers from 0"),
      one("ShapeFraction", "F32", "[2.0]", "[0,8]", "shape holds something else"),
      one("ShapeText", "F32", "[\"2\"]", "[0,8]", "shape holds something else"),
      one("ShapeNumber", "F32", "2", "[0,8]", "no list shape"),
      one("ShapeTooLarge", "F32", "[18446744073709551615]", "[0,8]", "is too large"),
      one("ShapeOverflow", "F32", "[4294967296,4294967296]", "[0,8]", "the product of its shape overflows"),
      one("ShapeOverflowThenZero", "F32", "[4294967296,4294967296,0]", "[0,0]",
          "the product of its shape overflows"),
      one("ShapeOverflowBytes", "F32", "[4611686018427387904]", "[0,8]",
          "the product of its shape overflows"),
      one("ShapeContradictsRange", "F32", "[3]", "[0,8]", "8 bytes of data, its shape and type F32 need 12"),
      one("OffsetsOne", "F32", "[2]", "[0]", "data_offsets has 1 numbers, expected 2"),
      one("OffsetsReversed", "F32", "[2]", "[8,0]", "data begin at byte 8 and end before it, at 0"),
      one("OffsetsBeyondFile", "F32", "[3]", "[0,12]", "data end at byte 12 of the data, the file holds 8"),
      one("OffsetsHuge", "F32", "[2]", "[18446744073709551607,18446744073709551615]", "the file holds 8"),
      one("OffsetsNegative", "F32", "[2]", "[-8,0]", "data_offsets holds something else"),
      one("HoleAtFront", "F32", "[1]", "[4,8]", "bytes 0 to 4 of the data belong to no tensor"),
      one("HoleAtEnd", "F32", "[1]", "[0,4]", "bytes 4 to 8 of the data belong to no tensor"),
      two("HoleBetween", entry("w", "F16", "[1]", "[0,2]"), entry("v", "F32", "[1]", "[4,8]"),
          "bytes 2 to 4"),
      two("Overlap", entry("w", "F32", "[2]", "[0,8]"), entry("v", "F32", "[1]", "[4,8]"),
          "tensors w and v overlap at byte 4"),
      two("Same", entry("w", "F32", "[2]", "[0,8]"), entry("v", "F32", "[2]", "[0,8]"), "overlap at byte 0"),
      two("Misaligned", entry("w", "F16", "[1]", "[0,2]"), entry("v", "F32", "[1]", "[2,6]"),
          "tensor v: data begin at byte 2, misaligned for type F32 of 4 bytes"),
  };
}

class BadSafetensors : public testing::TestWithParam<BadFile> {};

TEST_P(BadSafetensors, IsRefused) {
  expect_refused([&] { parse_safetensors(GetParam().bytes, "test"); }, GetParam().message);
}

INSTANTIATE_TEST_SUITE_P(Header, BadSafetensors, testing::ValuesIn(bad_headers()), bad_file_name);
INSTANTIATE_TEST_SUITE_P(Tensor, BadSafetensors, testing::ValuesIn(bad_tensors()), bad_file_name);

}  // namespace
}  // namespace idleheads::test
