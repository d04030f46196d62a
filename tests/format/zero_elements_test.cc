#include "format/zero_elements.h"

#include <gtest/gtest.h>

#include <bit>

#include "format/random_blocks.h"

namespace idleheads::test {
namespace {

class ZeroElements : public testing::TestWithParam<int> {
 protected:
  const DTypeInfo& info() const { return dtype_info(static_cast<DType>(GetParam())); }
  std::vector<float> decoded(std::span<const std::byte> data) const {
    std::vector<float> values(
        static_cast<size_t>(std::ssize(data) / info().block_bytes * info().block_elements));
    dequantize(info().dtype, data, values);
    return values;
  }
};

// Every unit of the second of three blocks.
TEST_P(ZeroElements, NoOtherElementChanges) {
  const int64_t unit = zero_unit(info().dtype), elements = info().block_elements;
  ASSERT_EQ(elements % unit, 0);
  const std::vector<std::byte> before = random_blocks(info().dtype, 3 * elements, 7);
  const std::vector<float> expected = decoded(before);
  for (int64_t first = elements; first < 2 * elements; first += unit) {
    std::vector<std::byte> data = before;
    set_zero(info().dtype, data, first, unit);
    const std::vector<float> values = decoded(data);
    for (int64_t i = 0; i < 3 * elements; ++i) {
      const float value = values[static_cast<size_t>(i)];
      if (i >= first && i < first + unit) {
        ASSERT_EQ(value, 0.0f) << "element " << i << " of unit " << first;
      } else {
        ASSERT_EQ(std::bit_cast<uint32_t>(value), std::bit_cast<uint32_t>(expected[static_cast<size_t>(i)]))
            << "element " << i << " beside unit " << first;
      }
    }
  }
}

TEST_P(ZeroElements, AllOfARow) {
  const int64_t elements = 3 * info().block_elements;
  std::vector<std::byte> data = random_blocks(info().dtype, elements, 8);
  set_zero(info().dtype, data, 0, elements);
  for (const float value : decoded(data)) ASSERT_EQ(value, 0.0f);
}

TEST_P(ZeroElements, RefusesPartsOfUnits) {
  const int64_t unit = zero_unit(info().dtype), elements = info().block_elements;
  std::vector<std::byte> data = random_blocks(info().dtype, elements, 9);
  const std::vector<std::byte> before = data;
  EXPECT_THROW(set_zero(info().dtype, data, 0, elements + unit), std::invalid_argument);
  EXPECT_THROW(set_zero(info().dtype, data, -unit, unit), std::invalid_argument);
  if (unit > 1) {
    EXPECT_THROW(set_zero(info().dtype, data, 1, unit), std::invalid_argument);
    EXPECT_THROW(set_zero(info().dtype, data, 0, unit - 1), std::invalid_argument);
  }
  EXPECT_EQ(data, before);
}

INSTANTIATE_TEST_SUITE_P(Types, ZeroElements, testing::Range(0, kTypes), [](const auto& param) {
  return std::string(dtype_info(static_cast<DType>(param.param)).name);
});

}  // namespace
}  // namespace idleheads::test
