#include "engine/projection_factor.h"

#include <algorithm>
#include <cmath>
#include <vector>

namespace idleheads {

// Cholesky factor of the Gram matrix, in double. A pivot that rounding made tiny or negative stands for a
// direction that the projection maps to zero: its column is zero.
void projection_factor(const float* w, int64_t rows, int64_t stride, int64_t head_dim, int64_t columns,
                       float* factor) {
  std::vector<double> gram(static_cast<size_t>(head_dim * head_dim));
  for (int64_t r = 0; r < rows; ++r) {
    const float* row = w + r * stride;
    for (int64_t i = 0; i < head_dim; ++i) {
      const double left = row[i];
      double* target = gram.data() + i * head_dim;
      for (int64_t j = 0; j <= i; ++j) target[j] += left * row[j];
    }
  }
  std::fill(factor, factor + head_dim * columns, 0.0f);
  double largest = 0;
  for (int64_t i = 0; i < head_dim; ++i)
    largest = std::max(largest, gram[static_cast<size_t>(i * head_dim + i)]);
  const auto at = [&](int64_t i, int64_t j) -> double& {
    return gram[static_cast<size_t>(i * head_dim + j)];
  };
  for (int64_t j = 0; j < head_dim; ++j) {
    for (int64_t k = 0; k < j; ++k) at(j, j) -= at(j, k) * at(j, k);
    const double pivot = at(j, j) > 1e-14 * largest ? std::sqrt(at(j, j)) : 0;
    at(j, j) = pivot;
    for (int64_t i = j + 1; i < head_dim; ++i) {
      double sum = at(i, j);
      for (int64_t k = 0; k < j; ++k) sum -= at(i, k) * at(j, k);
      at(i, j) = pivot > 0 ? sum / pivot : 0;
    }
    for (int64_t i = j; i < head_dim; ++i) factor[i * columns + j] = static_cast<float>(at(i, j));
  }
}

}  // namespace idleheads
