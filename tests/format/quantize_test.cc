#include "format/quantize.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstring>
#include <limits>

#include "format/block_numbers.h"
#include "format/gguf_output.h"
#include "idleheads/base/error.h"
#include "support/errors.h"

namespace idleheads {
namespace {

TEST(ToHalf, EveryHalfComesBack) {
  for (uint32_t half = 0; half <= 0xffff; ++half) {
    const float value = dequant::half_to_float(static_cast<uint16_t>(half));
    if (std::isnan(value)) {
      EXPECT_TRUE(std::isnan(dequant::half_to_float(to_half(value))));
    } else {
      ASSERT_EQ(to_half(value), half);
    }
  }
}

// Between two neighbours the nearer one, half way the even one.
TEST(ToHalf, RoundsToTheNearest) {
  for (uint32_t half = 0; half < 0x7bff; ++half) {
    const float low = dequant::half_to_float(static_cast<uint16_t>(half)),
                high = dequant::half_to_float(static_cast<uint16_t>(half + 1)), middle = (low + high) / 2;
    ASSERT_EQ(to_half(std::nextafter(middle, low)), half);
    ASSERT_EQ(to_half(std::nextafter(middle, high)), half + 1);
    ASSERT_EQ(to_half(middle), half % 2 == 0 ? half : half + 1);
    ASSERT_EQ(to_half(-middle), 0x8000 | (half % 2 == 0 ? half : half + 1));
  }
  EXPECT_EQ(to_half(65519.9f), 0x7bff);
  EXPECT_EQ(to_half(65520.0f), 0x7c00) << "infinity";
  EXPECT_EQ(to_half(-std::numeric_limits<float>::infinity()), 0xfc00);
  EXPECT_EQ(to_half(1e-30f), 0);
}

TEST(Quantize, Q8_0IsWithinHalfAStep) {
  std::vector<float> values(64);
  for (size_t i = 0; i < 32; ++i) values[i] = std::sin(static_cast<float>(i)) * 3;
  const std::vector<std::byte> blocks = quantize(DType::q8_0, values);
  ASSERT_EQ(blocks.size(), 68u);
  std::vector<float> again(values.size());
  dequantize(DType::q8_0, blocks, again);
  for (size_t i = 0; i < values.size(); ++i) EXPECT_NEAR(again[i], values[i], 3. / 127 / 2 + 2e-3) << i;
  for (size_t i = 32; i < 64; ++i) EXPECT_EQ(again[i], 0) << "a block of zeros";
  EXPECT_EQ(quantize(DType::q8_0, again), blocks) << "what it can hold stays";
}

TEST(Quantize, NumbersAtTheEdges) {
  std::vector<float> values(32, 1e-40f), again(32);
  values[3] = 0;
  dequantize(DType::q8_0, quantize(DType::q8_0, values), again);
  for (const float value : again) EXPECT_EQ(value, 0) << "too small for the scale";
  for (const float bad : {std::numeric_limits<float>::infinity(), std::numeric_limits<float>::quiet_NaN()}) {
    values[7] = bad;
    EXPECT_THROW(quantize(DType::q8_0, values), Error);
    EXPECT_EQ(quantize(DType::f16, values).size(), 64u);
  }
}

// The largest half is 65504: as a weight, and as the scale of a block, 127 times that.
TEST(Quantize, RefusesWhatBecomesInfinite) {
  std::vector<float> values(32, 65519.f);
  EXPECT_NO_THROW(quantize(DType::f16, values));
  values[5] = -65520.f;
  EXPECT_THAT(test::error_of([&] { quantize(DType::f16, values); }),
              testing::HasSubstr("-65520, which F16 cannot hold"));
  values[5] = 127 * 65504.f;
  EXPECT_NO_THROW(quantize(DType::q8_0, values));
  values[5] = -127 * 65520.f;
  EXPECT_THAT(test::error_of([&] { quantize(DType::q8_0, values); }),
              testing::HasSubstr("which Q8_0 cannot hold"));
}

TEST(Quantize, RefusesOtherTypesAndParts) {
  const std::vector<float> values(33);
  EXPECT_THROW(quantize(DType::q4_0, values), std::invalid_argument);
  EXPECT_THROW(quantize(DType::q8_0, values), std::invalid_argument);
  EXPECT_EQ(quantize(DType::f16, values).size(), 66u);
}

TEST(GgufOutput, IsReadBack) {
  GgufOutput out;
  out.set("general.architecture", "llama");
  out.set("a.number", 7);
  out.set("a.list", std::vector<uint32_t>{1, 2, 3});
  out.set("a.texts", std::vector<std::string>{"", "0,1"});
  out.set("a.number", 8);
  const std::vector<float> one = {1, 2, 3}, two = {4, 5, 6, 7, 8, 9};
  const auto bytes_of = [](const std::vector<float>& values) {
    return std::vector<std::byte>(std::as_bytes(std::span(values)).begin(),
                                  std::as_bytes(std::span(values)).end());
  };
  out.add_tensor("one", DType::f32, {3}, [&] { return bytes_of(one); });
  out.add_tensor("two", DType::f32, {2, 3}, [&] { return bytes_of(two); });
  std::vector<std::byte> file;
  out.write([&](std::span<const std::byte> bytes) { file.insert(file.end(), bytes.begin(), bytes.end()); });
  EXPECT_EQ(out.bytes(), std::ssize(file));

  const Gguf read = parse_gguf(file, "test");
  EXPECT_EQ(require<int64_t>(read, "a.number"), 8);
  EXPECT_EQ(require<std::vector<int64_t>>(read, "a.list"), (std::vector<int64_t>{1, 2, 3}));
  EXPECT_EQ(require<std::vector<std::string>>(read, "a.texts"), (std::vector<std::string>{"", "0,1"}));
  ASSERT_EQ(read.tensors.size(), 2u);
  EXPECT_EQ(read.tensors[1].shape, (std::vector<int64_t>{2, 3}));
  EXPECT_EQ(std::memcmp(read.tensors[1].data.data(), two.data(), 24), 0);

  // Its pairs, written again, are the same file.
  GgufOutput copy;
  for (const GgufPair& pair : read.pairs) copy.set(pair);
  for (const Tensor& tensor : read.tensors) {
    copy.add_tensor(tensor.name, tensor.dtype, tensor.shape,
                    [data = tensor.data] { return std::vector<std::byte>(data.begin(), data.end()); });
  }
  std::vector<std::byte> again;
  copy.write(
      [&](std::span<const std::byte> bytes) { again.insert(again.end(), bytes.begin(), bytes.end()); });
  EXPECT_EQ(again, file);

  out.add_tensor("three", DType::f32, {4}, [&] { return bytes_of(one); });
  EXPECT_THROW(out.write([](std::span<const std::byte>) {}), std::logic_error);
}

}  // namespace
}  // namespace idleheads
