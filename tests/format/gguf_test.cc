#include "format/gguf.h"

#include <filesystem>

#include "base/mapped_file.h"
#include "format/bad_file.h"
#include "format/gguf_writer.h"

namespace idleheads::test {
namespace {

using testing::DoubleEq;
using testing::ElementsAre;
using testing::HasSubstr;

Gguf parse(const GgufWriter& writer) { return parse_gguf(writer.bytes(), "test"); }

GgufWriter small_file() {
  GgufWriter writer;
  writer.add("general.architecture", "llama")
      .add("n", uint32_t{2})
      .add("flags", std::vector<bool>{true, false});
  writer.add("tokens", std::vector<std::string>{"a", ""}).add("eps", 0.5f);
  writer.add_tensor("norm", {3}, {1, 2, 3});
  writer.add_tensor("quants", DType::q8_0, {2, 32}, Bytes().fill(68, 1));
  return writer;
}

TEST(Gguf, KeepsEveryScalarType) {
  GgufWriter writer;
  writer.add("u8", uint8_t{255})
      .add("i8", int8_t{-128})
      .add("u16", uint16_t{65535})
      .add("i16", int16_t{-32768});
  writer.add("u32", uint32_t{4294967295}).add("i32", int32_t{-2147483647 - 1});
  writer.add("u64", uint64_t{INT64_MAX}).add("i64", INT64_MIN);
  writer.add("f32", 0.1f).add("f64", 0.1).add("bool", true).add("string", std::string("a\0b", 3));
  const Gguf gguf = parse(writer);
  const std::map<std::string, int64_t> integers = {
      {"u8", 255},         {"i8", -128},         {"u16", 65535},     {"i16", -32768},
      {"u32", 4294967295}, {"i32", -2147483648}, {"u64", INT64_MAX}, {"i64", INT64_MIN}};
  for (const auto& [key, value] : integers) EXPECT_EQ(require<int64_t>(gguf, key), value) << key;
  EXPECT_EQ(require<double>(gguf, "f32"), static_cast<double>(0.1f));
  EXPECT_EQ(require<double>(gguf, "f64"), 0.1);
  EXPECT_EQ(require<bool>(gguf, "bool"), true);
  EXPECT_EQ(require<std::string>(gguf, "string"), std::string("a\0b", 3));
  EXPECT_EQ(gguf.metadata.size(), 12u);
}

TEST(Gguf, KeepsEveryArrayType) {
  GgufWriter writer;
  writer.add("u8", std::vector<uint8_t>{0, 255}).add("i8", std::vector<int8_t>{-1});
  writer.add("u16", std::vector<uint16_t>{65535}).add("i16", std::vector<int16_t>{-1, 1});
  writer.add("u32", std::vector<uint32_t>{7}).add("i32", std::vector<int32_t>{-7});
  writer.add("u64", std::vector<uint64_t>{8}).add("i64", std::vector<int64_t>{-8});
  writer.add("f32", std::vector<float>{0.5f, -1}).add("f64", std::vector<double>{0.1});
  writer.add("bool", std::vector<bool>{true, false}).add("string", std::vector<std::string>{"x", "", "yz"});
  writer.add("none", std::vector<float>{});
  const Gguf gguf = parse(writer);
  using Integers = std::vector<int64_t>;
  const std::map<std::string, Integers> integers = {{"u8", {0, 255}}, {"i8", {-1}}, {"u16", {65535}},
                                                    {"i16", {-1, 1}}, {"u32", {7}}, {"i32", {-7}},
                                                    {"u64", {8}},     {"i64", {-8}}};
  for (const auto& [key, value] : integers) EXPECT_EQ(require<Integers>(gguf, key), value) << key;
  EXPECT_THAT(require<std::vector<double>>(gguf, "f32"), ElementsAre(0.5, -1));
  EXPECT_THAT(require<std::vector<double>>(gguf, "f64"), ElementsAre(0.1));
  EXPECT_THAT(require<std::vector<bool>>(gguf, "bool"), ElementsAre(true, false));
  EXPECT_THAT(require<std::vector<std::string>>(gguf, "string"), ElementsAre("x", "", "yz"));
  EXPECT_THAT(require<std::vector<double>>(gguf, "none"), ElementsAre());
}

TEST(Gguf, ReadsTensorsOutermostFirst) {
  GgufWriter writer;
  writer.add_tensor("b", {2, 3}, {1, 2, 3, 4, 5, 6});
  writer.add_tensor("a", DType::q4_0, {2, 1, 3, 64}, Bytes().fill(12 * 18, 7));
  const std::vector<std::byte> bytes = writer.bytes();
  const Gguf gguf = parse_gguf(bytes, "test");
  ASSERT_EQ(gguf.tensors.size(), 2u);
  EXPECT_EQ(gguf.version, 3u);
  EXPECT_EQ(gguf.tensors[0].name, "b");
  EXPECT_THAT(gguf.tensors[0].shape, ElementsAre(2, 3));
  std::vector<float> values(6);
  dequantize(DType::f32, gguf.tensors[0].data, values);
  EXPECT_THAT(values, ElementsAre(1, 2, 3, 4, 5, 6));
  EXPECT_EQ(gguf.tensors[1].name, "a");
  EXPECT_EQ(gguf.tensors[1].dtype, DType::q4_0);
  EXPECT_THAT(gguf.tensors[1].shape, ElementsAre(2, 1, 3, 64));
  EXPECT_EQ(gguf.tensors[1].data.size(), 12u * 18);
  EXPECT_EQ(gguf.tensors[1].data[0], std::byte{7});
  expect_sound(gguf.tensors, bytes);
}

TEST(Gguf, ReadsEveryTensorType) {
  for (int i = 0; i <= static_cast<int>(DType::mxfp4); ++i) {
    const auto dtype = static_cast<DType>(i);
    GgufWriter writer;
    writer.add_tensor("t", dtype, {dtype_info(dtype).block_elements * 2},
                      Bytes().fill(static_cast<size_t>(dtype_info(dtype).block_bytes) * 2));
    const std::vector<std::byte> bytes = writer.bytes();
    const Gguf gguf = parse_gguf(bytes, "test");
    EXPECT_EQ(gguf.tensors.at(0).dtype, dtype) << dtype_info(dtype).name;
    expect_sound(gguf.tensors, bytes);
  }
}

TEST(Gguf, ReadsVersion2AndOtherAlignments) {
  for (const uint32_t alignment : {8u, 64u, 65536u}) {
    GgufWriter writer = small_file();
    writer.version = 2;
    writer.alignment = alignment;
    writer.add("general.alignment", alignment);
    const std::vector<std::byte> bytes = writer.bytes();
    const Gguf gguf = parse_gguf(bytes, "test");
    EXPECT_EQ(gguf.version, 2u);
    EXPECT_EQ(gguf.tensors.at(1).data[0], std::byte{1});
    EXPECT_EQ((gguf.tensors[1].data.data() - bytes.data()) % alignment, 0);
  }
}

TEST(Gguf, ReadsFileWithoutTensorsOrMetadata) {
  const Gguf gguf = parse_gguf(GgufWriter().head(), "test");
  EXPECT_TRUE(gguf.metadata.empty());
  EXPECT_TRUE(gguf.tensors.empty());
}

TEST(Gguf, KnowsItsMagic) {
  EXPECT_TRUE(looks_like_gguf(GgufWriter().head()));
  EXPECT_FALSE(looks_like_gguf({}));
  EXPECT_FALSE(looks_like_gguf(Bytes().text("GGU").content()));
  EXPECT_FALSE(looks_like_gguf(Bytes().text("GGML").content()));
}

TEST(Gguf, LookUpNamesKeyAndTypes) {
  GgufWriter writer;
  writer.add("n", uint32_t{2}).add("tokens", std::vector<std::string>{"a"});
  const Gguf gguf = parse(writer);
  EXPECT_EQ(find<int64_t>(gguf, "absent"), nullptr);
  EXPECT_EQ(*find<int64_t>(gguf, "n"), 2);
  expect_refused([&] { require<double>(gguf, "absent"); },
                 "test: metadata absent is missing, expected a floating-point number");
  expect_refused([&] { find<double>(gguf, "n"); },
                 "test: metadata n is an integer, expected a floating-point number");
  expect_refused([&] { require<bool>(gguf, "tokens"); },
                 "test: metadata tokens is a list of strings, expected a boolean");
}

// Written by the gguf Python package (tools/make_format_samples.py).
TEST(Gguf, ReadsFileOfGgufPackage) {
  const MappedFile file(std::filesystem::path(IDLEHEADS_TEST_DATA) / "format/sample.gguf");
  const Gguf gguf = parse_gguf(file.bytes(), "test");
  EXPECT_EQ(require<std::string>(gguf, "general.architecture"), "llama");
  EXPECT_EQ(require<int64_t>(gguf, "llama.block_count"), 2);
  EXPECT_EQ(require<int64_t>(gguf, "test.i8"), -5);
  EXPECT_EQ(require<int64_t>(gguf, "test.u64"), INT64_MAX);
  EXPECT_EQ(require<double>(gguf, "test.f64"), 0.1);
  EXPECT_EQ(require<bool>(gguf, "test.flag"), true);
  EXPECT_THAT(require<std::vector<std::string>>(gguf, "tokenizer.ggml.tokens"),
              ElementsAre("<s>", "a", "Ġt"));
  EXPECT_THAT(require<std::vector<int64_t>>(gguf, "tokenizer.ggml.token_type"), ElementsAre(3, 1, 1));
  EXPECT_THAT(require<std::vector<double>>(gguf, "tokenizer.ggml.scores"), ElementsAre(0, -1.5, -2));
  EXPECT_THAT(require<std::vector<bool>>(gguf, "test.flags"), ElementsAre(true, false));
  ASSERT_EQ(gguf.tensors.size(), 3u);
  EXPECT_EQ(gguf.tensors[1].name, "blk.0.attn_q.weight");
  EXPECT_THAT(gguf.tensors[1].shape, ElementsAre(2, 3));
  std::vector<float> values(6);
  dequantize(gguf.tensors[1].dtype, gguf.tensors[1].data, values);
  EXPECT_THAT(values, ElementsAre(0, 1, 2, 3, 4, 5));
  EXPECT_EQ(gguf.tensors[2].dtype, DType::q8_0);
  EXPECT_THAT(gguf.tensors[2].shape, ElementsAre(3, 32));
  EXPECT_EQ(gguf.tensors[2].data[35], std::byte{35});
  expect_sound(gguf.tensors, file.bytes());
}

TEST(Gguf, ReadsSmolLM2) {
  const auto path = std::filesystem::path(IDLEHEADS_MODELS) / "SmolLM2-135M-Instruct.Q4_1.gguf";
  if (!std::filesystem::exists(path)) GTEST_SKIP() << path << " is not there";
  const MappedFile file(path);
  const Gguf gguf = parse_gguf(file.bytes(), "test");
  EXPECT_EQ(gguf.version, 3u);
  EXPECT_EQ(gguf.tensors.size(), 272u);
  EXPECT_EQ(require<std::string>(gguf, "general.architecture"), "llama");
  EXPECT_EQ(require<int64_t>(gguf, "llama.block_count"), 30);
  EXPECT_EQ(require<int64_t>(gguf, "llama.attention.head_count"), 9);
  EXPECT_EQ(require<double>(gguf, "llama.rope.freq_base"), 100000);
  EXPECT_THAT(require<double>(gguf, "llama.attention.layer_norm_rms_epsilon"), DoubleEq(1e-5f));
  EXPECT_EQ(require<bool>(gguf, "tokenizer.ggml.add_bos_token"), false);
  EXPECT_EQ(require<std::vector<std::string>>(gguf, "tokenizer.ggml.tokens").size(), 49152u);
  EXPECT_EQ(require<std::vector<std::string>>(gguf, "tokenizer.ggml.merges")[1], "Ġ a");
  EXPECT_THAT(require<std::string>(gguf, "tokenizer.chat_template"), HasSubstr("<|im_start|>"));
  EXPECT_EQ(gguf.tensors[0].name, "token_embd.weight");
  EXPECT_EQ(gguf.tensors[0].dtype, DType::q8_0);
  EXPECT_THAT(gguf.tensors[0].shape, ElementsAre(49152, 576));
  EXPECT_EQ(gguf.tensors[0].data.data() - file.bytes().data(), 1785664);
}

TEST(Gguf, SurvivesEveryCutAndEveryFlippedBit) { expect_total(small_file().bytes(), parse_gguf); }

}  // namespace
}  // namespace idleheads::test
