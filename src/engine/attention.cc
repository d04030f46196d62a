// One small product, C = A B for eight rows of A, serves scores (A: queries, B: keys transposed in panels),
// outputs (A: weights, B: values) and projected norms (A: outputs, B: factor). A row of C never depends on
// the other rows, and masked keys add exact zeros, so a token's numbers do not depend on which tokens share
// its block.
#include "engine/attention.h"

#include <algorithm>
#include <cmath>
#include <vector>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "engine/attention.cc"
#include <hwy/foreach_target.h>
// foreach_target must come first.
#include <hwy/contrib/math/math-inl.h>
#include <hwy/highway.h>

#ifndef IDLEHEADS_ATTENTION_CONSTANTS
#define IDLEHEADS_ATTENTION_CONSTANTS
namespace idleheads {
constexpr int64_t kBlockRows = 8;  // queries in flight
constexpr int64_t kPadding = 32;   // floats: two vectors of the widest instruction set
constexpr int64_t round_up(int64_t n) { return (n + kPadding - 1) / kPadding * kPadding; }
}  // namespace idleheads
#endif

HWY_BEFORE_NAMESPACE();
namespace idleheads::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using F = hn::CappedTag<float, 16>;
using V = hn::Vec<F>;
constexpr F f;
constexpr int64_t kLanes = hn::MaxLanes(f);
constexpr int64_t kPanel = 2 * kLanes;  // columns of C per step
// Accumulators: kSub x 2 vectors, of 32 registers from AVX-512 on, of 16 before.
constexpr int64_t kSub = HWY_TARGET <= HWY_AVX3 ? 8 : 4;

// c[r][0..kPanel) = sum over k of a[r][k] * b[k][0..kPanel) for r < kSub.
HWY_INLINE void panel_product(const float* HWY_RESTRICT a, int64_t a_stride, const float* HWY_RESTRICT b,
                              int64_t b_stride, int64_t depth, float* HWY_RESTRICT c, int64_t c_stride) {
  V low[kSub], high[kSub];
  for (int64_t r = 0; r < kSub; ++r) low[r] = high[r] = hn::Zero(f);
  for (int64_t k = 0; k < depth; ++k) {
    const V b0 = hn::LoadU(f, b + k * b_stride);
    const V b1 = hn::LoadU(f, b + k * b_stride + kLanes);
    for (int64_t r = 0; r < kSub; ++r) {
      const V scale = hn::Set(f, a[r * a_stride + k]);
      low[r] = hn::MulAdd(scale, b0, low[r]);
      high[r] = hn::MulAdd(scale, b1, high[r]);
    }
  }
  for (int64_t r = 0; r < kSub; ++r) {
    hn::StoreU(low[r], f, c + r * c_stride);
    hn::StoreU(high[r], f, c + r * c_stride + kLanes);
  }
}

// c [kBlockRows, columns] = a [kBlockRows, depth] b. Panel p of b begins at b + p * b_panel; its row k at k *
// b_stride.
void block_product(const float* a, int64_t a_stride, const float* b, int64_t b_stride, int64_t b_panel,
                   int64_t depth, float* c, int64_t c_stride, int64_t columns) {
  for (int64_t p = 0; p * kPanel < columns; ++p) {
    for (int64_t r = 0; r < kBlockRows; r += kSub) {
      panel_product(a + r * a_stride, a_stride, b + p * b_panel, b_stride, depth,
                    c + r * c_stride + p * kPanel, c_stride);
    }
  }
}

// Keys of positions [0, count) transposed: panel p holds [head_dim][kPanel] of positions p * kPanel ...
void pack_keys(const AttentionTask& task, int64_t count, float* packed) {
  int64_t position = 0;
  for (const KeyRun& run : task.keys) {
    for (int64_t i = 0; i < run.count && position < count; ++i, ++position) {
      float* column = packed + position / kPanel * kPanel * task.head_dim + position % kPanel;
      const float* key = run.key + i * task.stride;
      for (int64_t k = 0; k < task.head_dim; ++k) column[k * kPanel] = key[k];
    }
  }
  // Positions behind the last get zeros: they are masked, but must not be NaN.
  for (; position % kPanel != 0; ++position) {
    float* column = packed + position / kPanel * kPanel * task.head_dim + position % kPanel;
    for (int64_t k = 0; k < task.head_dim; ++k) column[k * kPanel] = 0;
  }
}

void pack_values(const AttentionTask& task, int64_t count, int64_t padded, float* packed) {
  int64_t position = 0;
  for (const KeyRun& run : task.keys) {
    for (int64_t i = 0; i < run.count && position < count; ++i, ++position) {
      float* row = packed + position * padded;
      std::copy_n(run.value + i * task.stride, task.head_dim, row);
      std::fill(row + task.head_dim, row + padded, 0.0f);
    }
  }
}

struct Softmax {
  float inverse_sum;
  float first_weight;
  float entropy;
};

// Turns the scores of the first `keys` positions into exp(score - maximum), those up to `width` into zeros.
// Entropy: with p = e / Z and e = exp(d), -sum p ln p = ln Z - (sum e d) / Z.
Softmax softmax(float* scores, int64_t keys, int64_t width) {
  constexpr float kMasked = -1e30f;  // exponential exactly 0, times 0 still a number
  std::fill(scores + keys, scores + width, kMasked);
  V top = hn::Set(f, kMasked);
  for (int64_t i = 0; i < width; i += kLanes) top = hn::Max(top, hn::LoadU(f, scores + i));
  const V maximum = hn::MaxOfLanes(f, top);
  V sum = hn::Zero(f), weighted = hn::Zero(f);
  for (int64_t i = 0; i < width; i += kLanes) {
    const V d = hn::Sub(hn::LoadU(f, scores + i), maximum);
    const V e = hn::Exp(f, d);
    sum = hn::Add(sum, e);
    weighted = hn::MulAdd(e, d, weighted);
    hn::StoreU(e, f, scores + i);
  }
  const float z = hn::GetLane(hn::SumOfLanes(f, sum));
  const float t = hn::GetLane(hn::SumOfLanes(f, weighted));
  // Exp makes 0 of NaN; the entropy keeps it (in this order of arguments), so that the caller sees it.
  return {1.0f / z, scores[0] / z, std::max(std::log(z) - t / z, 0.0f)};
}

float row_norm(const float* x, int64_t padded) {
  V sum = hn::Zero(f);
  for (int64_t i = 0; i < padded; i += kLanes) {
    const V a = hn::LoadU(f, x + i);
    sum = hn::MulAdd(a, a, sum);
  }
  return std::sqrt(hn::GetLane(hn::SumOfLanes(f, sum)));
}

// Queries [row, row + rows) of one head, at most kBlockRows.
void attend_block(const AttentionTask& task, int head, int64_t row, int64_t rows, AttentionScratch& scratch) {
  const int64_t dim = task.head_dim, padded = round_up(dim);
  const int64_t keys = task.first + row + rows;  // of the last query
  const int64_t width = (keys + kPanel - 1) / kPanel * kPanel;
  const float scale = 1.0f / std::sqrt(static_cast<float>(dim));
  float* queries = scratch.queries.data();
  for (int64_t r = 0; r < kBlockRows; ++r) {
    const float* source = task.queries + (row + std::min(r, rows - 1)) * task.stride + head * dim;
    for (int64_t k = 0; k < dim; ++k) queries[r * dim + k] = source[k] * scale;
  }
  float* scores = scratch.scores.data();
  block_product(queries, dim, scratch.keys.data(), kPanel, kPanel * dim, dim, scores, width, width);
  Softmax softmaxes[kBlockRows];
  for (int64_t r = 0; r < kBlockRows; ++r) {
    softmaxes[r] = softmax(scores + r * width, task.first + row + std::min(r, rows - 1) + 1, width);
  }
  float* outputs = scratch.outputs.data();
  block_product(scores, width, scratch.values.data(), padded, kPanel, keys, outputs, padded, padded);
  for (int64_t r = 0; r < rows; ++r) {
    for (int64_t k = 0; k < padded; ++k) outputs[r * padded + k] *= softmaxes[r].inverse_sum;
  }
  float* projected = scratch.projected.data();
  block_product(outputs, padded, task.factors + head * dim * padded, padded, kPanel, dim, projected, padded,
                padded);
  for (int64_t r = 0; r < rows; ++r) {
    std::copy_n(outputs + r * padded, dim, task.queries + (row + r) * task.stride + head * dim);
    task.stats[(row + r) * task.stats_stride + head] = {softmaxes[r].first_weight, softmaxes[r].entropy,
                                                        row_norm(outputs + r * padded, padded),
                                                        row_norm(projected + r * padded, padded)};
  }
}

void attend(const AttentionTask& task, AttentionScratch& scratch) {
  const int64_t keys = task.first + task.count, padded = round_up(task.head_dim);
  scratch.keys.resize(round_up(keys) * task.head_dim);
  scratch.values.resize(keys * padded);
  scratch.queries.resize(kBlockRows * task.head_dim);
  scratch.scores.resize(kBlockRows * round_up(keys));
  scratch.outputs.resize(kBlockRows * padded);
  scratch.projected.resize(kBlockRows * padded);
  pack_keys(task, keys, scratch.keys.data());
  pack_values(task, keys, padded, scratch.values.data());
  for (int head = 0; head < task.heads; ++head) {
    for (int64_t row = 0; row < task.count; row += kBlockRows) {
      attend_block(task, head, row, std::min(kBlockRows, task.count - row), scratch);
    }
  }
}

}  // namespace idleheads::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace idleheads {

HWY_EXPORT(attend);

void attend(const AttentionTask& task, AttentionScratch& scratch) {
  HWY_DYNAMIC_DISPATCH(attend)(task, scratch);
}

int64_t padded_head_dim(int64_t head_dim) { return round_up(head_dim); }

// Cholesky factor of the Gram matrix, in double. A pivot that rounding made tiny or negative stands for a
// direction that the projection maps to zero: its column is zero.
void projection_factor(const float* w, int64_t rows, int64_t stride, int64_t head_dim, float* factor) {
  const int64_t padded = round_up(head_dim);
  std::vector<double> gram(static_cast<size_t>(head_dim * head_dim));
  for (int64_t r = 0; r < rows; ++r) {
    const float* row = w + r * stride;
    for (int64_t i = 0; i < head_dim; ++i) {
      const double left = row[i];
      double* target = gram.data() + i * head_dim;
      for (int64_t j = 0; j <= i; ++j) target[j] += left * row[j];
    }
  }
  std::fill(factor, factor + head_dim * padded, 0.0f);
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
    for (int64_t i = j; i < head_dim; ++i) factor[i * padded + j] = static_cast<float>(at(i, j));
  }
}

}  // namespace idleheads
#endif  // HWY_ONCE
