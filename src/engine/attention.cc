// One small product, C = A B for eight rows of A, serves scores (A: queries, B: keys transposed in panels),
// outputs (A: weights, B: values) and projected norms (A: outputs, B: factor). A row of C never depends on
// the other rows, and masked keys add exact zeros, so a token's numbers do not depend on which tokens share
// its block.
//
// T is the element of a product's operands: float, or Bf16Pair.
#include "engine/attention.h"

#include <algorithm>
#include <array>
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

#include "engine/attention_products-inl.h"

HWY_BEFORE_NAMESPACE();
namespace idleheads::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// Keys of positions [0, count) transposed: panel p holds [elements of a key][kPanel] of positions p * kPanel
// ...
template <typename T>
void pack_keys(const AttentionTask& task, int64_t count, Operands<T>& to) {
  const int64_t depth = elements<T>(task.head_dim);
  T* row = to.queries.data();
  int64_t position = 0;
  const auto place = [&] {
    T* column = to.keys.data() + position / kPanel * kPanel * depth + position % kPanel;
    for (int64_t k = 0; k < depth; ++k) column[k * kPanel] = row[k];
    ++position;
  };
  for (const KeyRun& run : task.keys) {
    for (int64_t i = 0; i < run.count && position < count; ++i) {
      to_elements(run.key + i * task.stride, row, task.head_dim);
      place();
    }
  }
  // Positions behind the last get zeros: they are masked, but must not be NaN.
  std::fill_n(row, depth, T{});
  while (position % kPanel != 0) place();
}

template <typename T>
void pack_values(const AttentionTask& task, int64_t count, int64_t padded, Operands<T>& to) {
  constexpr size_t kRows = kValues<T>;
  std::array<const float*, kRows> rows;
  int64_t position = 0;
  T* packed = to.values.data();
  const auto place = [&](const float* value) {
    rows[static_cast<size_t>(position++) % kRows] = value;
    if (static_cast<size_t>(position) % kRows != 0) return;
    interleave(rows.data(), packed, task.head_dim);
    std::fill(packed + task.head_dim, packed + padded, T{});
    packed += padded;
  };
  for (const KeyRun& run : task.keys) {
    for (int64_t i = 0; i < run.count && position < count; ++i) place(run.value + i * task.stride);
  }
  const std::vector<float> zeros(static_cast<size_t>(task.head_dim));
  while (static_cast<size_t>(position) % kRows != 0) place(zeros.data());
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

// Queries [row, row + rows) of one head, at most kBlockRows. False if a number among them is none.
template <typename T>
bool attend_block(const AttentionTask& task, int head, int64_t row, int64_t rows, AttentionScratch& scratch) {
  Operands<T>& operands = std::get<Operands<T>>(scratch.operands);
  const int64_t dim = task.head_dim, padded = round_up(dim), depth = elements<T>(dim);
  const int64_t keys = task.first + row + rows;  // of the last query
  const int64_t width = (keys + kPanel - 1) / kPanel * kPanel;
  const float scale = 1.0f / std::sqrt(static_cast<float>(dim));
  float* outputs = scratch.outputs.data();
  for (int64_t r = 0; r < kBlockRows; ++r) {
    const float* source = task.queries + (row + std::min(r, rows - 1)) * task.stride + head * dim;
    for (int64_t k = 0; k < dim; ++k) outputs[k] = source[k] * scale;
    to_elements(outputs, operands.queries.data() + r * depth, dim);
  }
  float* scores = scratch.scores.data();
  block_product(operands.queries.data(), depth, operands.keys.data(), kPanel, kPanel * depth, depth, scores,
                width, width);
  Softmax softmaxes[kBlockRows];
  for (int64_t r = 0; r < kBlockRows; ++r) {
    softmaxes[r] = softmax(scores + r * width, task.first + row + std::min(r, rows - 1) + 1, width);
  }
  const T* weights = as_elements(scores, operands.weights, kBlockRows * width);
  block_product(weights, elements<T>(width), operands.values.data(), padded, kPanel, elements<T>(keys),
                outputs, padded, padded);
  for (int64_t r = 0; r < rows; ++r) {
    for (int64_t k = 0; k < padded; ++k) outputs[r * padded + k] *= softmaxes[r].inverse_sum;
  }
  float* projected = scratch.projected.data();
  if (task.stats != nullptr)
    triangular_product(outputs, padded, task.factors + head * dim * padded, dim, projected, padded);
  bool finite = true;
  for (int64_t r = 0; r < rows; ++r) {
    std::copy_n(outputs + r * padded, dim, task.queries + (row + r) * task.stride + head * dim);
    RowStats stats = {softmaxes[r].first_weight, softmaxes[r].entropy, row_norm(outputs + r * padded, padded),
                      0};
    if (task.stats != nullptr) {
      stats.projected_norm = row_norm(projected + r * padded, padded);
      task.stats[(row + r) * task.stats_stride + head] = stats;
    }
    finite = finite && std::isfinite(stats.entropy + stats.output_norm + stats.projected_norm);
  }
  return finite;
}

template <typename T>
int attend_with(const AttentionTask& task, AttentionScratch& scratch) {
  Operands<T>& operands = std::get<Operands<T>>(scratch.operands);
  const int64_t keys = task.first + task.count, padded = round_up(task.head_dim);
  const int64_t depth = elements<T>(task.head_dim);
  operands.keys.resize(round_up(keys) * depth);
  operands.values.resize(elements<T>(keys) * padded);
  operands.queries.resize(kBlockRows * depth);
  scratch.scores.resize(kBlockRows * round_up(keys));
  scratch.outputs.resize(kBlockRows * padded);
  scratch.projected.resize(kBlockRows * padded);
  pack_keys(task, keys, operands);
  pack_values(task, keys, padded, operands);
  for (int head = 0; head < task.heads; ++head) {
    for (int64_t row = 0; row < task.count; row += kBlockRows) {
      if (!attend_block<T>(task, head, row, std::min(kBlockRows, task.count - row), scratch)) return head;
    }
  }
  return kAllFinite;
}

int attend(const AttentionTask& task, AttentionScratch& scratch) {
#if HWY_TARGET <= HWY_AVX3
  if (task.bf16) return attend_with<Bf16Pair>(task, scratch);
#endif
  return attend_with<float>(task, scratch);
}

}  // namespace idleheads::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace idleheads {

HWY_EXPORT(attend);

int attend(const AttentionTask& task, AttentionScratch& scratch) {
  return HWY_DYNAMIC_DISPATCH(attend)(task, scratch);
}

bool has_bf16_attention(Precision precision) { return precision == Precision::bf16 && has_bf16(); }

int64_t padded_head_dim(int64_t head_dim) { return round_up(head_dim); }

}  // namespace idleheads
#endif  // HWY_ONCE
