#include "model/row_order.h"

#include <numeric>

namespace idleheads {

RowOrder alternating_apart(int64_t rows) {
  RowOrder order(static_cast<size_t>(rows));
  const auto half = static_cast<int32_t>(rows / 2);
  for (int32_t r = 0; r < 2 * half; ++r) order[static_cast<size_t>(r)] = r % 2 * half + r / 2;
  return order;
}

RowOrder ungrouped(const AttentionSpec& attention) {
  RowOrder order;
  const auto append = [&order](int first, int count) {
    for (int r = 0; r < count; ++r) order.push_back(first + r);
  };
  const int dim = attention.head_dim, queries = attention.group_size() * dim;
  for (int g = 0; g < attention.kv_heads; ++g) {
    const int key = attention.query_width() + g * dim;
    append(g * queries, queries);
    append(key, dim);
    append(key + attention.kv_width(), dim);
  }
  return order;
}

RowOrder as_they_are(int64_t rows) {
  RowOrder order(static_cast<size_t>(rows));
  std::iota(order.begin(), order.end(), 0);
  return order;
}

void separate_pairs(RowOrder& order, int64_t rows, int head_dim, int rotated) {
  for (int32_t& row : order) {
    const int32_t place = row % head_dim;
    if (row < rows && place < rotated) row += place % 2 * (rotated / 2) + place / 2 - place;
  }
}

}  // namespace idleheads
