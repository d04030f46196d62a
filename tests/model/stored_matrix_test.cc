// Matrices as files have them against the same by naive loops.
#include "model/stored_matrix.h"

#include <gmock/gmock.h>

#include <numeric>

#include "format/random_blocks.h"

namespace idleheads {
namespace {

using testing::ElementsAre;
using testing::ElementsAreArray;

std::vector<float> numbers(const StoredPart& part, int64_t columns) {
  std::vector<float> values(static_cast<size_t>(part.rows * columns));
  if (part.scales.empty())
    dequantize(part.dtype, part.data, values);
  else
    dequantize_mxfp4(part.data, part.scales, values);
  return values;
}

std::vector<float> naive(const StoredMatrix& matrix) {
  std::vector<float> out(static_cast<size_t>(matrix.rows() * matrix.columns));
  int64_t first = 0;
  for (const StoredPart& part : matrix.parts) {
    const std::vector<float> values = numbers(part, matrix.columns);
    for (int64_t r = 0; r < part.rows; ++r) {
      const int64_t at = first + r, row = matrix.order.empty() ? at : matrix.order[static_cast<size_t>(at)];
      for (int64_t c = 0; c < matrix.columns; ++c) {
        const int64_t from = matrix.transposed ? c * part.rows + r : r * matrix.columns + c;
        out[static_cast<size_t>(row * matrix.columns + c)] = values[static_cast<size_t>(from)];
      }
    }
    first += part.rows;
  }
  return out;
}

RowOrder shuffled(int64_t rows) {
  RowOrder order = as_they_are(rows);
  std::mt19937 random(7);
  std::ranges::shuffle(order, random);
  return order;
}

// As it is, with an order, transposed, and both.
void expect_right(StoredMatrix matrix, bool may_be_transposed) {
  for (const bool transposed : {false, true}) {
    if (transposed && !may_be_transposed) continue;
    matrix.transposed = transposed;
    for (const RowOrder& order : {RowOrder(), shuffled(matrix.rows())}) {
      matrix.order = order;
      EXPECT_THAT(decode(matrix).span(), ElementsAreArray(naive(matrix)))
          << (transposed ? "transposed" : "") << (order.empty() ? "" : " in an order");
    }
  }
}

TEST(StoredMatrix, PartsOfSeveralTypes) {
  constexpr int64_t kColumns = 37;
  const std::vector<std::byte> a = test::random_blocks(DType::bf16, 5 * kColumns, 1),
                               b = test::random_blocks(DType::f32, 18 * kColumns, 2);
  expect_right({.parts = {{DType::bf16, a, {}, 5}, {DType::f32, b, {}, 18}}, .columns = kColumns}, true);
}

TEST(StoredMatrix, OfBlocks) {
  const std::vector<std::byte> a = test::random_blocks(DType::q4_k, 7 * 512, 1),
                               b = test::random_blocks(DType::q8_0, 4 * 512, 2);
  expect_right({.parts = {{DType::q4_k, a, {}, 7}, {DType::q8_0, b, {}, 4}}, .columns = 512}, false);
}

TEST(StoredMatrix, OfBlocksWithScalesApart) {
  constexpr int64_t kRows = 9, kColumns = 96;
  const std::vector<std::byte> elements = test::random_blocks(DType::u8, kRows * kColumns / 2, 1),
                               scales = test::random_exponents(kRows * kColumns / 32, 2);
  expect_right({.parts = {{DType::mxfp4, elements, scales, kRows}}, .columns = kColumns}, false);
}

// A row of a vector is less than a block.
TEST(StoredMatrix, VectorsOfBlocks) {
  const std::vector<std::byte> a = test::random_blocks(DType::q8_0, 64, 1),
                               b = test::random_blocks(DType::f16, 5, 2);
  expect_right({.parts = {{DType::q8_0, a, {}, 64}, {DType::f16, b, {}, 5}}, .columns = 1}, false);
}

TEST(RowOrder, GateAndUpInTurn) { EXPECT_THAT(alternating_apart(6), ElementsAre(0, 3, 1, 4, 2, 5)); }

TEST(RowOrder, HeadsByGroup) {
  AttentionSpec attention;
  attention.heads = 4;
  attention.kv_heads = 2;
  attention.head_dim = 2;
  EXPECT_THAT(ungrouped(attention), ElementsAre(0, 1, 2, 3, 8, 9, 12, 13, 4, 5, 6, 7, 10, 11, 14, 15));
}

// Heads of 6 rows of which 4 turn, and rows behind the heads.
TEST(RowOrder, PairsApart) {
  RowOrder order = as_they_are(14);
  separate_pairs(order, 12, 6, 4);
  EXPECT_THAT(order, ElementsAre(0, 2, 1, 3, 4, 5, 6, 8, 7, 9, 10, 11, 12, 13));
  RowOrder after_another = {12, 1, 0};
  separate_pairs(after_another, 12, 6, 4);
  EXPECT_THAT(after_another, ElementsAre(12, 2, 0));
}

}  // namespace
}  // namespace idleheads
