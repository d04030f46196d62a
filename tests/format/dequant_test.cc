#include <fmt/format.h>

#include <bit>
#include <cmath>
#include <filesystem>
#include <limits>

#include "base/mapped_file.h"
#include "format/bad_file.h"
#include "format/block_numbers.h"
#include "format/random_blocks.h"
#include "format/tensor.h"

namespace idleheads::test {
namespace {

// The same bits; NaN may be any NaN.
bool same(float a, float b) {
  return std::bit_cast<uint32_t>(a) == std::bit_cast<uint32_t>(b) || (std::isnan(a) && std::isnan(b));
}

class Dequant : public testing::TestWithParam<int> {
 protected:
  const DTypeInfo& info() const { return dtype_info(static_cast<DType>(GetParam())); }
};

// tests/data/format/dequant_*.bin: number of blocks, the blocks, their values (tools/make_dequant_golden.py).
TEST_P(Dequant, EqualsGgufPackageBitForBit) {
  const std::string name = fmt::format("format/dequant_{}.bin", info().name);
  const MappedFile file(std::filesystem::path(IDLEHEADS_TEST_DATA) / name);
  uint32_t blocks = 0;
  ASSERT_GT(file.bytes().size(), sizeof(blocks));
  std::memcpy(&blocks, file.bytes().data(), sizeof(blocks));
  const size_t data_size = blocks * static_cast<size_t>(info().block_bytes);
  const size_t count = blocks * static_cast<size_t>(info().block_elements);
  ASSERT_EQ(file.bytes().size(), sizeof(blocks) + data_size + count * sizeof(float));
  ASSERT_GE(blocks, 20u);
  const auto data = file.bytes().subspan(sizeof(blocks), data_size);
  std::vector<float> expected(count), values(count, -1.0f);
  std::memcpy(expected.data(), data.data() + data_size, count * sizeof(float));

  dequantize(info().dtype, data, values);
  size_t finite = 0;
  for (size_t i = 0; i < count; ++i) {
    ASSERT_TRUE(same(values[i], expected[i]))
        << "element " << i << ": " << values[i] << ", not " << expected[i];
    finite += std::isfinite(expected[i]) ? 1 : 0;
  }
  EXPECT_GT(finite, count / 2);
}

TEST_P(Dequant, AcceptsUnalignedData) {
  const auto size = static_cast<size_t>(info().block_bytes) * 3;
  std::vector<std::byte> bytes(size + 1);
  for (size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::byte>(i * 7 % 61);
  const std::vector<std::byte> aligned(bytes.begin() + 1, bytes.end());
  std::vector<float> a(static_cast<size_t>(info().block_elements) * 3), b(a.size());
  dequantize(info().dtype, std::span(bytes).subspan(1), a);
  dequantize(info().dtype, aligned, b);
  for (size_t i = 0; i < a.size(); ++i) ASSERT_TRUE(same(a[i], b[i])) << i;
}

TEST_P(Dequant, ChecksSizes) {
  const auto size = static_cast<size_t>(info().block_bytes),
             count = static_cast<size_t>(info().block_elements);
  const std::vector<std::byte> data(size * 2);
  std::vector<float> values(count * 2);
  const std::span whole(data);
  EXPECT_THROW(dequantize(info().dtype, whole.first(size), values), std::logic_error);
  EXPECT_THROW(dequantize(info().dtype, whole.first(size * 2 - 1), values), std::logic_error);
  EXPECT_NO_THROW(dequantize(info().dtype, {}, {}));
}

INSTANTIATE_TEST_SUITE_P(Types, Dequant, testing::Range(0, kTypes), [](const auto& param) {
  return std::string(dtype_info(static_cast<DType>(param.param)).name);
});

// gpt-oss' files hold GGML's blocks in another order: neighbours in a byte, exponents apart.
TEST(Mxfp4, OfSafetensorsEqualsGgmlsBlocks) {
  constexpr size_t kBlocks = 255;
  std::vector<std::byte> ggml, elements, scales;
  for (size_t b = 0; b < kBlocks; ++b) {
    const auto code = [&](size_t i) { return static_cast<unsigned>((i * 7 + b * 11 + i / 16) % 16); };
    scales.push_back(static_cast<std::byte>(b));
    ggml.push_back(scales.back());
    for (size_t l = 0; l < 16; ++l) {
      ggml.push_back(static_cast<std::byte>(code(l) | code(l + 16) << 4));
      elements.push_back(static_cast<std::byte>(code(2 * l) | code(2 * l + 1) << 4));
    }
  }
  std::vector<float> expected(32 * kBlocks), values(expected.size());
  dequantize(DType::mxfp4, ggml, expected);
  dequantize_mxfp4(elements, scales, values);
  for (size_t i = 0; i < values.size(); ++i) ASSERT_TRUE(same(values[i], expected[i])) << i;
}

TEST(Mxfp4, ValuesAndSizes) {
  std::vector<std::byte> elements(32);
  for (size_t l = 0; l < 16; ++l) elements[l] = static_cast<std::byte>(l | (15 - l) << 4);
  const std::vector<std::byte> scales = {std::byte{128}, std::byte{255}};  // 2, and NaN
  std::vector<float> values(64);
  dequantize_mxfp4(elements, scales, values);
  const float codes[] = {0, 0.5, 1, 1.5, 2, 3, 4, 6, 0, -0.5, -1, -1.5, -2, -3, -4, -6};
  for (size_t l = 0; l < 16; ++l) {
    EXPECT_EQ(values[2 * l], 2 * codes[l]) << l;
    EXPECT_EQ(values[2 * l + 1], 2 * codes[15 - l]) << l;
  }
  for (size_t i = 32; i < 64; ++i) EXPECT_TRUE(std::isnan(values[i])) << i;
  EXPECT_THROW(dequantize_mxfp4(elements, std::span(scales).first(1), values), std::logic_error);
  EXPECT_THROW(dequantize_mxfp4(elements, scales, std::span(values).first(63)), std::logic_error);
  dequantize(DType::u8, scales, std::span(values).first(2));
  EXPECT_EQ(values[0], 128);
  EXPECT_EQ(values[1], 255);
}

TEST(HalfToFloat, IsExactForAllHalves) {
  for (uint32_t half = 0; half < 0x10000; ++half) {
    const int exponent = half >> 10 & 31, mantissa = half & 1023;
    float expected = std::ldexp(static_cast<float>(mantissa), -24);
    if (exponent == 31) {
      expected =
          mantissa == 0 ? std::numeric_limits<float>::infinity() : std::numeric_limits<float>::quiet_NaN();
    } else if (exponent > 0) {
      expected = std::ldexp(static_cast<float>(1024 + mantissa), exponent - 25);
    }
    if (half & 0x8000) expected = -expected;
    ASSERT_TRUE(same(dequant::half_to_float(static_cast<uint16_t>(half)), expected)) << half;
  }
}

}  // namespace
}  // namespace idleheads::test
