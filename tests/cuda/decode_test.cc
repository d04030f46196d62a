// Weights decoded on the device, in emulation, against the host's numbers: the same bits.
#include "cuda/decode.h"

#include <gtest/gtest.h>

#include <bit>
#include <limits>
#include <string>

#include "cuda/device.h"
#include "format/random_blocks.h"
#include "model/stored_matrix.h"

namespace idleheads::cuda {
namespace {

constexpr uint32_t kUntouched = 0x7fa5a5a5;  // NaN in float32

template <typename Element>
constexpr Element untouched() {
  if constexpr (sizeof(Element) == sizeof(float))
    return std::bit_cast<float>(kUntouched);
  else
    return {kUntouched >> 16};
}

uint32_t bits_of(float x) { return std::bit_cast<uint32_t>(x); }
uint32_t bits_of(Bf16 x) { return x.bits; }

template <typename Element>
struct Decoded {
  std::vector<Element> matrix;  // and as many elements behind it, which must stay as they were
  int bad = 0;
};

const uint8_t* pointer_to(std::span<const std::byte> bytes) {
  return reinterpret_cast<const uint8_t*>(bytes.data());
}

template <typename Element>
Decoded<Element> on_device(const StoredMatrix& matrix) {
  Decoded<Element> decoded;
  decoded.matrix.assign(static_cast<size_t>(2 * matrix.rows() * matrix.columns), untouched<Element>());
  int64_t first_row = 0;
  for (const StoredPart& part : matrix.parts) {
    const EncodedPart encoded = {part.dtype, pointer_to(part.data),
                                 part.scales.empty() ? nullptr : pointer_to(part.scales), first_row,
                                 part.rows};
    decode(encoded, matrix.columns, matrix.transposed, matrix.order.empty() ? nullptr : matrix.order.data(),
           decoded.matrix.data(), &decoded.bad, Stream());
    first_row += part.rows;
  }
  return decoded;
}

template <typename Element>
void expect_bits_of_host(const StoredMatrix& matrix) {
  SCOPED_TRACE(sizeof(Element) == sizeof(float) ? "float" : "bf16");
  const AlignedBuffer<float> expected = idleheads::decode(matrix);
  const Decoded<Element> decoded = on_device<Element>(matrix);
  EXPECT_EQ(decoded.bad, 0);
  size_t i = 0;
  for (const float x : expected.span()) {
    ASSERT_EQ(bits_of(decoded.matrix[i]), bits_of(from_float<Element>(x))) << "element " << i << ": " << x;
    ++i;
  }
  for (; i < decoded.matrix.size(); ++i)
    ASSERT_EQ(bits_of(decoded.matrix[i]), bits_of(untouched<Element>())) << "behind the matrix: " << i;
}

// `apart`: MXFP4 with its scales in a tensor of their own.
struct Storage {
  DType dtype = DType::f32;
  bool apart = false;

  int64_t block() const { return dtype_info(dtype).block_elements; }
  std::string name() const { return std::string(dtype_info(dtype).name) + (apart ? "_apart" : ""); }
};

std::vector<Storage> all_storages() {
  std::vector<Storage> all = {{DType::mxfp4, true}};
  for (int t = 0; t <= static_cast<int>(DType::u8); ++t) all.push_back({static_cast<DType>(t)});
  return all;
}

class Decode : public testing::TestWithParam<Storage> {
 protected:
  // Two parts, each more than a block of the kernel and neither whole blocks of it.
  StoredMatrix matrix(int64_t columns, int64_t rows, int64_t more_rows) {
    return {.parts = {part(0, rows, columns), part(1, more_rows, columns)}, .columns = columns};
  }
  StoredMatrix in_rows() {
    const int64_t block = GetParam().block();
    return block == 1 ? matrix(37, 115, 131) : matrix(3 * block, 1600 / block * 3 - 1, 1600 / block * 3 + 1);
  }
  StoredMatrix in_columns() {
    const int64_t block = GetParam().block();
    StoredMatrix stored = block == 1    ? matrix(115, 37, 53)
                          : block == 32 ? matrix(45, 96, 160)
                                        : matrix(19, 256, 512);
    stored.transposed = true;
    return stored;
  }
  static void expect_bits(StoredMatrix matrix) {
    for (const bool ordered : {false, true}) {
      SCOPED_TRACE(ordered ? "in an order" : "as it is");
      if (ordered) matrix.order = shuffled(matrix.rows());
      expect_bits_of_host<float>(matrix);
      expect_bits_of_host<Bf16>(matrix);
    }
  }

 private:
  static RowOrder shuffled(int64_t rows) {
    RowOrder order = as_they_are(rows);
    std::mt19937 random(3);
    std::ranges::shuffle(order, random);
    return order;
  }
  StoredPart part(unsigned seed, int64_t rows, int64_t columns) {
    const Storage& storage = GetParam();
    if (!storage.apart) {
      bytes_[seed] = test::random_blocks(storage.dtype, rows * columns, seed);
      return {storage.dtype, bytes_[seed], {}, rows};
    }
    bytes_[seed] = test::random_blocks(DType::u8, rows * columns / 2, seed);
    scales_[seed] = test::random_exponents(rows * columns / 32, seed);
    return {storage.dtype, bytes_[seed], scales_[seed], rows};
  }

  std::vector<std::byte> bytes_[2], scales_[2];
};

TEST_P(Decode, HasTheHostsBits) { expect_bits(in_rows()); }
TEST_P(Decode, TransposedHasTheHostsBits) { expect_bits(in_columns()); }

TEST_P(Decode, DoesNotDependOnTheThreadsOrder) {
  for (const uint64_t seed : {1, 2}) {
    emulated::schedule().seed = seed;
    expect_bits_of_host<float>(in_rows());
  }
  emulated::schedule().seed = 0;
}

INSTANTIATE_TEST_SUITE_P(Types, Decode, testing::ValuesIn(all_storages()),
                         [](const auto& test) { return test.param.name(); });

// What `bad` is where one number of 4099 is `x`.
template <typename Element>
int bad_with(float x, size_t place) {
  std::vector<float> values(4099, 1.0f);
  values[place] = x;
  const StoredPart part = {DType::f32, std::as_bytes(std::span(values)), {}, 4099};
  return on_device<Element>({.parts = {part}, .columns = 1}).bad;
}

TEST(DecodeBad, IsSetByOneNumber) {
  using Limits = std::numeric_limits<float>;
  for (const size_t place : {0u, 31u, 4095u, 4098u}) {
    for (const float x : {Limits::quiet_NaN(), Limits::infinity(), -Limits::infinity()}) {
      EXPECT_EQ(bad_with<float>(x, place), 1) << x << " at " << place;
      EXPECT_EQ(bad_with<Bf16>(x, place), 1) << x << " at " << place;
    }
  }
}

// The largest float32 becomes infinite in bf16, but the weight is a number.
TEST(DecodeBad, IsOfTheNumberBeforeItIsRounded) {
  const float largest = std::numeric_limits<float>::max();
  EXPECT_EQ(bad_with<float>(largest, 9), 0);
  EXPECT_EQ(bad_with<Bf16>(-largest, 9), 0);
}

TEST(DecodeBad, IsSetByScales) {
  std::vector<std::byte> elements(48, std::byte{0x11}), scales(3, std::byte{127});
  const StoredMatrix matrix = {.parts = {{DType::mxfp4, elements, scales, 3}}, .columns = 32};
  EXPECT_EQ(on_device<Bf16>(matrix).bad, 0);
  scales[2] = std::byte{255};
  EXPECT_EQ(on_device<Bf16>(matrix).bad, 1);

  std::vector<std::byte> blocks(2 * 34, std::byte{1});
  const StoredMatrix of_blocks = {.parts = {{DType::q8_0, blocks, {}, 2}}, .columns = 32};
  EXPECT_EQ(on_device<float>(of_blocks).bad, 0);
  blocks[34 + 1] = std::byte{0x7c};  // the high byte of a half: infinity or NaN
  EXPECT_EQ(on_device<float>(of_blocks).bad, 1);
}

}  // namespace
}  // namespace idleheads::cuda
