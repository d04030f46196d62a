// One small product, C = A B for eight rows of A, serves scores (A: queries, B: keys transposed in panels),
// outputs (A: weights, B: values) and projected norms (A: outputs, B: factor). A row of C never depends on
// the other rows, and masked keys add exact zeros, so a token's numbers do not depend on which tokens share
// its block.
//
// T is the element of a product's operands: float, or Bf16Pair.
#include "engine/cpu/attention.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <vector>

#include "idleheads/heads/attention_pattern.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "engine/cpu/attention.cc"
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

#include "engine/cpu/attention_products-inl.h"

HWY_BEFORE_NAMESPACE();
namespace idleheads::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// The row of a first value gets a second one.
inline void join(float*, const float*, int64_t) {}

inline void join(Bf16Pair* row, const float* value, int64_t count) {
  constexpr int64_t kAtOnce = 64;
  uint16_t high[kAtOnce];
  for (int64_t i = 0; i < count; i += kAtOnce) {
    const int64_t n = std::min(kAtOnce, count - i);
    idleheads::to_bf16(value + i, high, n);
    for (int64_t j = 0; j < n; ++j) row[i + j].bits |= uint32_t{high[j]} << 16;
  }
}

// Packs `count` positions behind those that are there. Keys are transposed: panel p holds [elements of a key]
// [kPanel] of positions p * kPanel and following. Values lie in rows of `padded` elements. What is not yet
// taken in the last panel and row is zero: it is masked, but must not be NaN.
template <typename T>
void pack(std::span<const KeyRun> runs, int64_t stride, int64_t count, int64_t dim, PackedKeys<T>& to) {
  const int64_t depth = elements<T>(dim), padded = round_up(dim), end = to.count + count;
  const int64_t panels = (end + kPanel - 1) / kPanel, there = (to.count + kPanel - 1) / kPanel;
  to.keys.grow(panels * kPanel * depth);
  std::fill(to.keys.data() + there * kPanel * depth, to.keys.data() + panels * kPanel * depth, T{});
  to.values.grow(elements<T>(end) * padded);
  std::vector<T> key(static_cast<size_t>(depth));
  const std::vector<float> zeros(static_cast<size_t>(dim));
  for (const KeyRun& run : runs) {
    for (int64_t i = 0; i < run.count && to.count < end; ++i, ++to.count) {
      to_elements(run.key + i * stride, key.data(), dim);
      T* column = to.keys.data() + to.count / kPanel * kPanel * depth + to.count % kPanel;
      for (int64_t k = 0; k < depth; ++k) column[k * kPanel] = key[static_cast<size_t>(k)];
      T* row = to.values.data() + to.count / kValues<T> * padded;
      const std::array<const float*, 2> pair = {run.value + i * stride, zeros.data()};
      if (to.count % kValues<T> != 0) {
        join(row, pair[0], dim);
      } else {
        interleave(pair.data(), row, dim);
        std::fill(row + dim, row + padded, T{});
      }
    }
  }
}

// cap x tanh(score / cap).
void cap_scores(float* scores, int64_t count, float cap) {
  const V by = hn::Set(f, cap), inverse = hn::Set(f, 1.0f / cap);
  for (int64_t i = 0; i < count; i += kLanes)
    hn::StoreU(hn::Mul(by, hn::Tanh(f, hn::Mul(hn::LoadU(f, scores + i), inverse))), f, scores + i);
}

struct Softmax {
  float inverse_sum;
  float first_weight;
  float entropy;
  float sink_weight;
};

// The keys of a query among those of its block: [begin, end) of `width`.
struct Seen {
  int64_t begin, end, width;
};

// Turns the scores of the keys seen into exp(score - maximum), the others into zeros.
// Entropy: with p = e / Z and e = exp(d), -sum p ln p = ln Z - (sum e d) / Z. With a sink Z has one more
// term, whose own p is not in the sum: (sum e) / Z ln Z - (sum e d) / Z.
Softmax softmax(float* scores, const Seen& seen, const float* sink) {
  constexpr float kMasked = -1e30f;  // exponential exactly 0, times 0 still a number
  const int64_t width = seen.width;
  std::fill(scores, scores + seen.begin, kMasked);
  std::fill(scores + seen.end, scores + width, kMasked);
  V top = hn::Set(f, sink ? *sink : kMasked);
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
  if (!sink) return {1.0f / z, scores[0] / z, std::max(std::log(z) - t / z, 0.0f), 0};
  const float own = std::exp(*sink - hn::GetLane(maximum)), all = z + own;
  return {1.0f / all, scores[0] / all, std::max((z * std::log(all) - t) / all, 0.0f), own / all};
}

// Adding and subtracting 1.5 x 2^20 leaves a multiple of 2^-32.
void add_to_columns(const float* weights, float scale, int64_t count, double* columns) {
  constexpr hn::CappedTag<double, 8> d;
  constexpr hn::Rebind<float, decltype(d)> half;
  const auto by = hn::Set(half, scale);
  const auto grid = hn::Set(d, 0x1.8p20);
  for (int64_t i = 0; i < count; i += static_cast<int64_t>(hn::MaxLanes(d))) {
    const auto weight = hn::PromoteTo(d, hn::Mul(hn::LoadU(half, weights + i), by));
    const auto rounded = hn::Sub(hn::Add(weight, grid), grid);
    hn::StoreU(hn::Add(hn::LoadU(d, columns + i), rounded), d, columns + i);
  }
}

float row_norm(const float* x, int64_t padded) {
  V sum = hn::Zero(f);
  for (int64_t i = 0; i < padded; i += kLanes) {
    const V a = hn::LoadU(f, x + i);
    sum = hn::MulAdd(a, a, sum);
  }
  return std::sqrt(hn::GetLane(hn::SumOfLanes(f, sum)));
}

// A row of weights into its place in each pattern.
void copy_to_patterns(const float* exponentials, const Seen& seen, int64_t first, float scale,
                      std::span<float* const> patterns, int64_t position) {
  for (float* pattern : patterns) {
    float* row = pattern + AttentionPattern::begin_of(position);
    std::fill(row, row + first + seen.begin, 0.0f);
    for (int64_t i = seen.begin; i < seen.end; ++i) row[first + i] = exponentials[i] * scale;
  }
}

// One query head at one row of the task.
struct Query {
  int head;
  int64_t row;
};

// |W_O z| of the block's outputs; the queries of a head follow one another.
void projected_norms(const AttentionTask& task, std::span<const Query> queries, AttentionScratch& scratch,
                     float* norms) {
  const int64_t dim = task.head_dim, padded = round_up(dim);
  float* projected = scratch.projected.data();
  for (size_t r = 0; r < queries.size(); ++r) {
    if (r == 0 || queries[r].head != queries[r - 1].head) {
      triangular_product(scratch.outputs.data(), padded, task.factors + queries[r].head * dim * padded, dim,
                         projected, padded);
    }
    norms[r] = row_norm(projected + static_cast<int64_t>(r) * padded, padded);
  }
}

// The first position that the query at a row of the task sees.
int64_t first_key(const AttentionTask& task, int64_t row) {
  return task.window > 0 ? std::max<int64_t>(0, task.first + row + 1 - task.window) : 0;
}

// At most kBlockRows queries. Their head, if a number among them is none; else kAllFinite.
template <typename T>
int attend_block(const AttentionTask& task, const PackedKeys<T>& packed, std::span<const Query> queries,
                 AttentionScratch& scratch) {
  Operands<T>& operands = std::get<Operands<T>>(scratch.operands);
  const int64_t dim = task.head_dim, padded = round_up(dim), depth = elements<T>(dim);
  const auto query = [&](int64_t r) { return queries[std::min(static_cast<size_t>(r), queries.size() - 1)]; };
  // Positions from the first panel with a key that a query of the block sees to the last query's own.
  int64_t end = 0, begin = std::numeric_limits<int64_t>::max();
  for (const Query& q : queries) {
    end = std::max(end, task.first + q.row + 1);
    begin = std::min(begin, first_key(task, q.row) / kPanel * kPanel);
  }
  const int64_t keys = end - begin, width = (keys + kPanel - 1) / kPanel * kPanel;
  float* outputs = scratch.outputs.data();
  for (int64_t r = 0; r < kBlockRows; ++r) {
    const float* source = task.queries + query(r).row * task.stride + query(r).head * dim;
    for (int64_t k = 0; k < dim; ++k) outputs[k] = source[k] * task.scale;
    to_elements(outputs, operands.queries.data() + r * depth, dim);
  }
  const auto rows = static_cast<int64_t>(queries.size());
  float* scores = scratch.scores.data();
  block_product(operands.queries.data(), depth, packed.keys.data() + begin * depth, kPanel, kPanel * depth,
                depth, scores, width, width);
  if (task.soft_cap > 0) cap_scores(scores, kBlockRows * width, task.soft_cap);
  Softmax softmaxes[kBlockRows];
  for (int64_t r = 0; r < kBlockRows; ++r) {
    const auto [head, row] = query(r);
    const Seen seen = {first_key(task, row) - begin, task.first + row + 1 - begin, width};
    softmaxes[r] = softmax(scores + r * width, seen, task.sinks ? task.sinks + head : nullptr);
    if (begin > 0) softmaxes[r].first_weight = 0;
    if (task.columns != nullptr && r < rows) {
      double* columns = task.columns + head * padded_positions(task.first + task.count);
      add_to_columns(scores + r * width, softmaxes[r].inverse_sum, width, columns + begin);
    }
    if (!task.patterns.empty() && r < rows) {
      copy_to_patterns(scores + r * width, seen, begin, softmaxes[r].inverse_sum,
                       task.patterns[static_cast<size_t>(head)], task.first + row);
    }
  }
  const T* weights = as_elements(scores, operands.weights, kBlockRows * width);
  block_product(weights, elements<T>(width), packed.values.data() + elements<T>(begin) * padded, padded,
                kPanel, elements<T>(keys), outputs, padded, padded);
  for (int64_t r = 0; r < rows; ++r) {
    for (int64_t k = 0; k < padded; ++k) outputs[r * padded + k] *= softmaxes[r].inverse_sum;
  }
  float norms[kBlockRows] = {};
  if (task.stats != nullptr) projected_norms(task, queries, scratch, norms);
  int bad = kAllFinite;
  for (int64_t r = 0; r < rows; ++r) {
    const auto [head, row] = query(r);
    std::copy_n(outputs + r * padded, dim, task.queries + row * task.stride + head * dim);
    const RowStats stats = {softmaxes[r].first_weight, softmaxes[r].entropy,
                            row_norm(outputs + r * padded, padded), norms[r], softmaxes[r].sink_weight};
    if (task.stats != nullptr) task.stats[row * task.stats_stride + head] = stats;
    const bool finite = std::isfinite(stats.entropy + stats.output_norm + stats.projected_norm);
    if (!finite && bad == kAllFinite) bad = head;
  }
  return bad;
}

template <typename T>
int attend_with(const AttentionTask& task, AttentionScratch& scratch) {
  Operands<T>& operands = std::get<Operands<T>>(scratch.operands);
  const int64_t keys = task.first + task.count, padded = round_up(task.head_dim);
  const PackedKeys<T>* packed =
      task.cached ? &std::get<PackedKeys<T>>(task.cached->packed) : &operands.packed;
  if (!task.cached) {
    operands.packed.count = 0;
    pack(task.keys, task.stride, keys, task.head_dim, operands.packed);
  }
  operands.queries.resize(kBlockRows * elements<T>(task.head_dim));
  scratch.scores.resize(kBlockRows * round_up(keys));
  scratch.outputs.resize(kBlockRows * padded);
  scratch.projected.resize(kBlockRows * padded);
  // Head by head; a block takes the first rows of the next head where its own end.
  std::array<Query, kBlockRows> block;
  size_t filled = 0;
  for (int head = 0; head < task.heads; ++head) {
    for (int64_t row = 0; row < task.count; ++row) {
      block[filled++] = {head, row};
      const bool last = head + 1 == task.heads && row + 1 == task.count;
      if (filled < block.size() && !last) continue;
      const int bad = attend_block<T>(task, *packed, std::span(block).first(filled), scratch);
      if (bad != kAllFinite) return bad;
      filled = 0;
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

void append_keys(std::span<const KeyRun> keys, int64_t stride, int head_dim, [[maybe_unused]] bool bf16,
                 KeyCache& to) {
  int64_t count = 0;
  for (const KeyRun& run : keys) count += run.count;
#if HWY_TARGET <= HWY_AVX3
  if (bf16) return pack(keys, stride, count, head_dim, std::get<PackedKeys<Bf16Pair>>(to.packed));
#endif
  pack(keys, stride, count, head_dim, std::get<PackedKeys<float>>(to.packed));
}

}  // namespace idleheads::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace idleheads {

HWY_EXPORT(attend);
HWY_EXPORT(append_keys);

int attend(const AttentionTask& task, AttentionScratch& scratch) {
  return HWY_DYNAMIC_DISPATCH(attend)(task, scratch);
}

void append_keys(std::span<const KeyRun> keys, int64_t stride, int head_dim, bool bf16, KeyCache& to) {
  HWY_DYNAMIC_DISPATCH(append_keys)(keys, stride, head_dim, bf16, to);
}

void reserve_keys(int64_t positions, int head_dim, bool bf16, KeyCache& cache) {
  const int64_t padded = round_up(positions), pairs = (head_dim + 1) / 2;
  if (bf16) {
    auto& packed = std::get<PackedKeys<Bf16Pair>>(cache.packed);
    packed.keys.reserve(padded * pairs);
    packed.values.reserve((positions + 1) / 2 * round_up(head_dim));
  } else {
    auto& packed = std::get<PackedKeys<float>>(cache.packed);
    packed.keys.reserve(padded * head_dim);
    packed.values.reserve(positions * round_up(head_dim));
  }
}

int64_t cached_bytes(int head_dim, bool bf16) {
  return (head_dim + round_up(head_dim)) * static_cast<int64_t>(bf16 ? sizeof(uint16_t) : sizeof(float));
}

bool has_bf16_attention(Precision precision) { return precision == Precision::bf16 && has_bf16(); }

int64_t padded_positions(int64_t positions) { return round_up(positions); }

int64_t padded_head_dim(int64_t head_dim) { return round_up(head_dim); }

}  // namespace idleheads
#endif  // HWY_ONCE
