// One bad GGUF file per defect.
#include <fmt/format.h>

#include "format/bad_file.h"
#include "format/gguf.h"
#include "format/gguf_writer.h"

namespace idleheads::test {
namespace {

// A right file with one pair and two tensors, changed by `change`.
template <typename Change>
BadFile bad(const std::string& name, const std::string& message, const Change& change) {
  GgufWriter writer;
  writer.add("key", uint32_t{1});
  writer.add_tensor("first", {2, 3}, {1, 2, 3, 4, 5, 6});
  writer.add_tensor("second", DType::q4_0, {32}, Bytes().fill(18));
  change(writer);
  return {name, writer.bytes(), message};
}

BadFile cut(const std::string& name, const std::string& message, size_t keep) {
  BadFile file = bad(name, message, [](GgufWriter&) {});
  file.bytes.resize(keep);
  return file;
}

std::vector<BadFile> bad_gguf_headers() {
  using W = GgufWriter;
  std::vector<BadFile> files = {
      {"EmptyFile", {}, "not a GGUF file"},
      bad("Magic", "not a GGUF file", [](W& w) { w.magic = "GGML"; }),
      bad("Version0", "version 0 is not known; supported: 2, 3", [](W& w) { w.version = 0; }),
      bad("Version1", "version 1 is not supported", [](W& w) { w.version = 1; }),
      bad("Version4", "version 4 is not known", [](W& w) { w.version = 4; }),
      bad("BigEndian", "big-endian", [](W& w) { w.version = 3u << 24; }),
      bad("TensorCountHuge", "the number of tensors at byte 8 is 1152921504606846976",
          [](W& w) { w.tensor_count = uint64_t{1} << 60; }),
      bad("TensorCountAll", "the number of tensors", [](W& w) { w.tensor_count = UINT64_MAX; }),
      bad("TensorCountTooLarge", "a tensor's name at byte 126 is", [](W& w) { w.tensor_count = 3; }),
      bad("PairCountHuge", "the number of metadata pairs at byte 16",
          [](W& w) { w.pair_count = uint64_t{1} << 60; }),
      bad("PairCountTooLarge", "a tensor's name at byte 62 is", [](W& w) { w.pair_count = 2; }),
      cut("CutInVersion", "truncated: the version at byte 4 needs 4 bytes, the file has 2 more", 6),
      cut("CutInCounts", "truncated: the number of tensors", 12),
      cut("CutInTable", "truncated: tensor second at byte 118 needs 8 bytes, the file has 2 more", 120),
  };
  return files;
}

std::vector<BadFile> bad_pairs() {
  using W = GgufWriter;
  const auto array_head = [](GgufType type, uint64_t count) {
    return Bytes().number(static_cast<uint32_t>(type)).number(count);
  };
  const auto raw = [](const std::string& name, const std::string& message, GgufType type,
                      const Bytes& value) {
    return bad(name, message, [&](W& w) { w.add_raw("odd", type, value); });
  };
  std::vector<BadFile> files = {
      bad("KeyTwice", "metadata key is given twice", [](W& w) { w.add("key", uint32_t{2}); }),
      bad("KeyEmpty", "is empty", [](W& w) { w.add("", uint32_t{2}); }),
      bad("KeyMegabyte", "is 1000000 bytes long, expected at most 65535",
          [](W& w) { w.add(std::string(1000000, 'x'), uint32_t{2}); }),
      bad("KeyNotText", "metadata ??? is given twice",
          [](W& w) { w.add("\x01\xff\n", uint32_t{2}).add("\x01\xff\n", uint32_t{2}); }),
      raw("ValueTypeUnknown", "metadata odd: unknown value type 13", static_cast<GgufType>(13),
          Bytes().fill(8)),
      raw("Boolean2", "metadata odd: a boolean at byte", GgufType::boolean, Bytes().number(uint8_t{2})),
      raw("IntegerTooLarge", "metadata odd: 9223372036854775808 is above the range", GgufType::u64,
          Bytes().number(uint64_t{1} << 63)),
      raw("StringHuge", "metadata odd at byte", GgufType::string, Bytes().number(uint64_t{1} << 60)),
      raw("StringBeyondFile", "truncated: metadata odd", GgufType::string, Bytes().number(uint64_t{1000000})),
      raw("ArrayHuge", "metadata odd: the number of items", GgufType::array,
          array_head(GgufType::u32, uint64_t{1} << 60)),
      raw("ArrayOfStringsHuge", "metadata odd: the number of items", GgufType::array,
          array_head(GgufType::string, uint64_t{1} << 60)),
      raw("ArrayBeyondFile", "metadata odd: the number of items", GgufType::array,
          array_head(GgufType::u8, 100000)),
      raw("ArrayOfArrays", "arrays of arrays are not supported", GgufType::array,
          array_head(GgufType::array, 1).bytes(array_head(GgufType::u8, 0))),
      raw("ArrayTypeUnknown", "metadata odd: unknown value type 99", GgufType::array,
          array_head(static_cast<GgufType>(99), 1).fill(8)),
      bad("AlignmentZero", "general.alignment is 0, expected a power of two",
          [](W& w) { w.add("general.alignment", uint32_t{0}); }),
      bad("AlignmentNotPower", "general.alignment is 48",
          [](W& w) { w.add("general.alignment", uint32_t{48}); }),
      bad("AlignmentHuge", "general.alignment is 2147483648",
          [](W& w) { w.add("general.alignment", uint32_t{1} << 31); }),
      bad("AlignmentText", "general.alignment is a string, expected an integer",
          [](W& w) { w.add("general.alignment", "32"); }),
  };
  return files;
}

std::vector<BadFile> bad_gguf_tensors() {
  using W = GgufWriter;
  const auto type = [](const std::string& name, uint32_t id, const std::string& message) {
    return bad("Type" + name, "tensor second has type " + message, [&](W& w) { w.tensors[1].type = id; });
  };
  const auto shape = [](const std::string& name, const std::string& message,
                        std::vector<uint64_t> dimensions) {
    return bad("Shape" + name, message, [&](W& w) { w.tensors[0].dimensions = dimensions; });
  };
  const auto offset = [](const std::string& name, const std::string& message, uint64_t value) {
    return bad("Offset" + name, message, [&](W& w) { w.tensors[1].offset = value; });
  };
  const std::string truncated = "truncated: the file has ";
  std::vector<BadFile> files = {
      type("Iq2Xxs", 16, "IQ2_XXS, which is not supported; supported: F32, F16, Q4_0, Q4_1, "),
      type("I8", 24, "I8, "),
      type("F64", 28, "F64, "),
      type("Tq1_0", 34, "TQ1_0, "),
      type("Nvfp4", 40, "NVFP4, "),
      type("Q8_1", 9, "Q8_1, "),
      type("Removed", 4, "Q4_2 (removed from GGML), "),
      type("Unknown", 77, "number 77, unknown, "),
      bad("NameTwice", "tensor first is given twice", [](W& w) { w.tensors[1].name = "first"; }),
      bad("NameEmpty", "is empty", [](W& w) { w.tensors[1].name = ""; }),
      bad("NameMegabyte", "a tensor's name at byte",
          [](W& w) { w.tensors[1].name = std::string(1000000, 'x'); }),
      shape("None", "tensor first has 0 dimensions, expected 1 to 4", {}),
      shape("Five", "tensor first has 5 dimensions", {1, 1, 1, 1, 6}),
      shape("Zero", "tensor first: dimension 1 is 0", {3, 0}),
      shape("Negative", "tensor first: dimension 0 is 18446744073709551615", {UINT64_MAX, 2}),
      shape("Overflow", "tensor first: the product of its dimensions overflows",
            {uint64_t{1} << 32, uint64_t{1} << 31}),
      shape("OverflowBytes", "tensor first: the product of its dimensions overflows", {uint64_t{1} << 62}),
      bad("ShapeHuge", truncated, [](W& w) { w.tensors[1].dimensions = {uint64_t{1} << 40}; }),
      bad("ShapeNotBlocks", "tensor second of type Q4_0: its innermost dimension 33 is not a multiple of 32",
          [](W& w) {
            w.tensors[1].dimensions = {33, 32};
          }),
      offset("Misaligned", "tensor second: its data's offset 40 is not a multiple of the alignment 32", 40),
      offset("BeyondFile", truncated, 96),
      offset("Overflow", "tensor second: its data's offset 18446744073709551584 is beyond any file",
             UINT64_MAX - 31),
      offset("Overlap", "overlap at byte 0 of the tensor data", 0),
  };
  BadFile missing_data = bad("CutInData", truncated, [](W&) {});
  missing_data.message =
      fmt::format("truncated: the file has {} bytes, its tensors need {} (tensor second ends there)",
                  missing_data.bytes.size() - 1, missing_data.bytes.size());
  missing_data.bytes.pop_back();
  files.push_back(missing_data);
  return files;
}

class BadGguf : public testing::TestWithParam<BadFile> {};

TEST_P(BadGguf, IsRefused) {
  expect_refused([&] { parse_gguf(GetParam().bytes, "test"); }, GetParam().message);
}

INSTANTIATE_TEST_SUITE_P(Header, BadGguf, testing::ValuesIn(bad_gguf_headers()), bad_file_name);
INSTANTIATE_TEST_SUITE_P(Metadata, BadGguf, testing::ValuesIn(bad_pairs()), bad_file_name);
INSTANTIATE_TEST_SUITE_P(Tensor, BadGguf, testing::ValuesIn(bad_gguf_tensors()), bad_file_name);

}  // namespace
}  // namespace idleheads::test
