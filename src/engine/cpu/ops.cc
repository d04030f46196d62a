#include "engine/cpu/ops.h"

#include <algorithm>
#include <bit>
#include <cmath>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "engine/cpu/ops.cc"
#include <hwy/foreach_target.h>
// foreach_target must come first.
#include <hwy/contrib/math/math-inl.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace idleheads::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using F = hn::ScalableTag<float>;
using V = hn::Vec<F>;
constexpr F f;

// Loads up to Lanes() values, zeros behind them.
HWY_INLINE V load_tail(const float* x, int64_t count) {
  HWY_ALIGN float buffer[hn::MaxLanes(f)] = {};
  std::copy_n(x, count, buffer);
  return hn::Load(f, buffer);
}

HWY_INLINE void store_tail(V v, float* y, int64_t count) {
  HWY_ALIGN float buffer[hn::MaxLanes(f)];
  hn::Store(v, f, buffer);
  std::copy_n(buffer, count, y);
}

// y = body(x...) for `count` values, a vector at a time, the tail through a zero-filled vector.
template <typename Body>
HWY_INLINE void map1(const float* x, float* y, int64_t count, Body body) {
  const auto lanes = static_cast<int64_t>(hn::Lanes(f));
  int64_t i = 0;
  for (; i + lanes <= count; i += lanes) hn::StoreU(body(hn::LoadU(f, x + i)), f, y + i);
  if (i < count) store_tail(body(load_tail(x + i, count - i)), y + i, count - i);
}

template <typename Body>
HWY_INLINE void map2(const float* a, const float* b, float* y, int64_t count, Body body) {
  const auto lanes = static_cast<int64_t>(hn::Lanes(f));
  int64_t i = 0;
  for (; i + lanes <= count; i += lanes) hn::StoreU(body(hn::LoadU(f, a + i), hn::LoadU(f, b + i)), f, y + i);
  if (i < count) store_tail(body(load_tail(a + i, count - i), load_tail(b + i, count - i)), y + i, count - i);
}

float sum_of_squares(const float* x, int64_t count) {
  const auto lanes = static_cast<int64_t>(hn::Lanes(f));
  V sum0 = hn::Zero(f), sum1 = hn::Zero(f);
  int64_t i = 0;
  for (; i + 2 * lanes <= count; i += 2 * lanes) {
    const V a = hn::LoadU(f, x + i), b = hn::LoadU(f, x + i + lanes);
    sum0 = hn::MulAdd(a, a, sum0);
    sum1 = hn::MulAdd(b, b, sum1);
  }
  for (; i < count; i += lanes) {
    const V a = load_tail(x + i, std::min(lanes, count - i));
    sum0 = hn::MulAdd(a, a, sum0);
  }
  return hn::GetLane(hn::SumOfLanes(f, hn::Add(sum0, sum1)));
}

void rms_norm(const float* x, const float* weight, float epsilon, float* y, int64_t count) {
  const float mean = sum_of_squares(x, count) / static_cast<float>(count);
  const V scale = hn::Set(f, 1.0f / std::sqrt(mean + epsilon));
  map2(x, weight, y, count, [&](V a, V w) { return hn::Mul(hn::Mul(a, scale), w); });
}

void add(const float* x, float* y, int64_t count) {
  map2(x, y, y, count, [](V a, V b) { return hn::Add(a, b); });
}

void layer_norm(const float* x, const float* weight, const float* bias, float epsilon, float* y,
                int64_t count) {
  double sum = 0, squares = 0;
  for (int64_t i = 0; i < count; ++i) sum += x[i];
  const auto mean = static_cast<float>(sum / static_cast<double>(count));
  for (int64_t i = 0; i < count; ++i) squares += static_cast<double>(x[i] - mean) * (x[i] - mean);
  const auto variance = static_cast<float>(squares / static_cast<double>(count));
  const V shift = hn::Set(f, mean), factor = hn::Set(f, 1.0f / std::sqrt(variance + epsilon));
  map2(x, weight, y, count, [&](V a, V w) { return hn::Mul(hn::Mul(hn::Sub(a, shift), factor), w); });
  add(bias, y, count);
}

void scale(float factor, float* y, int64_t count) {
  const V by = hn::Set(f, factor);
  map1(y, y, count, [&](V a) { return hn::Mul(a, by); });
}

void clip(float limit, float* y, int64_t count) {
  const V high = hn::Set(f, limit), low = hn::Neg(high);
  map1(y, y, count, [&](V a) { return hn::Min(hn::Max(a, low), high); });
}

void gelu_multiply(const float* gate, const float* up, float* y, int64_t count) {
  for (int64_t i = 0; i < count; ++i)
    y[i] = gate[i] * 0.5f * (1.0f + std::erf(gate[i] * 0.70710678f)) * up[i];
}

void gelu_tanh_multiply(const float* gate, const float* up, float* y, int64_t count) {
  const V half = hn::Set(f, 0.5f), one = hn::Set(f, 1.0f), cubic = hn::Set(f, 0.044715f),
          root = hn::Set(f, 0.79788456f);  // sqrt(2 / pi)
  map2(gate, up, y, count, [&](V a, V b) {
    const V inner = hn::Mul(root, hn::MulAdd(hn::Mul(cubic, hn::Mul(a, a)), a, a));
    return hn::Mul(hn::Mul(hn::Mul(half, a), hn::Add(one, hn::Tanh(f, inner))), b);
  });
}

void silu_multiply(const float* gate, const float* up, float* y, int64_t count) {
  const V one = hn::Set(f, 1.0f);
  // Beyond -100 the exponential would overflow; silu is below 1e-41 there.
  const V lowest = hn::Set(f, -100.0f);
  map2(gate, up, y, count, [&](V a, V b) {
    const V e = hn::Exp(f, hn::Neg(hn::Max(a, lowest)));
    return hn::Mul(hn::Div(a, hn::Add(one, e)), b);
  });
}

void clamped_silu_multiply(const float* gate, const float* up, float* y, int64_t count) {
  const V one = hn::Set(f, 1.0f), high = hn::Set(f, 7.0f), low = hn::Set(f, -7.0f),
          slope = hn::Set(f, -1.702f), lowest = hn::Set(f, -50.0f);
  map2(gate, up, y, count, [&](V a, V b) {
    const V g = hn::Min(a, high), u = hn::Min(hn::Max(b, low), high);
    // Below -50 the exponential would overflow; the sigmoid is 0 in float32 there.
    const V e = hn::Exp(f, hn::Mul(slope, hn::Max(g, lowest)));
    return hn::Mul(hn::Div(g, hn::Add(one, e)), hn::Add(u, one));
  });
}

void rope(float* head, const float* c, const float* s, int64_t dim) {
  const int64_t half = dim / 2;
  const auto lanes = static_cast<int64_t>(hn::Lanes(f));
  int64_t i = 0;
  for (; i + lanes <= half; i += lanes) {
    const V a = hn::LoadU(f, head + i), b = hn::LoadU(f, head + half + i);
    const V cosine = hn::LoadU(f, c + i), sine = hn::LoadU(f, s + i);
    hn::StoreU(hn::Sub(hn::Mul(a, cosine), hn::Mul(b, sine)), f, head + i);
    hn::StoreU(hn::Add(hn::Mul(b, cosine), hn::Mul(a, sine)), f, head + half + i);
  }
  for (; i < half; ++i) {
    const float a = head[i], b = head[half + i];
    head[i] = a * c[i] - b * s[i];
    head[half + i] = b * c[i] + a * s[i];
  }
}

bool all_finite(const float* x, int64_t count) {
  // x - x is 0 for finite values and NaN for the others; a NaN survives every sum.
  const auto lanes = static_cast<int64_t>(hn::Lanes(f));
  V sum = hn::Zero(f);
  int64_t i = 0;
  for (; i + lanes <= count; i += lanes) {
    const V a = hn::LoadU(f, x + i);
    sum = hn::Add(sum, hn::Sub(a, a));
  }
  float rest = hn::GetLane(hn::SumOfLanes(f, sum));
  for (; i < count; ++i) rest += x[i] - x[i];
  return rest == 0;
}

void accumulate(const float* logits, int64_t count, LogSumExp& state) {
  if (count == 0) return;
  const auto lanes = static_cast<int64_t>(hn::Lanes(f));
  float maximum = state.maximum;
  int64_t i = 0;
  V top = hn::Set(f, maximum);
  for (; i + lanes <= count; i += lanes) top = hn::Max(top, hn::LoadU(f, logits + i));
  maximum = hn::GetLane(hn::MaxOfLanes(f, top));
  for (; i < count; ++i) maximum = std::max(maximum, logits[i]);
  const V shift = hn::Set(f, maximum);
  V sum = hn::Zero(f);
  for (i = 0; i + lanes <= count; i += lanes)
    sum = hn::Add(sum, hn::Exp(f, hn::Sub(hn::LoadU(f, logits + i), shift)));
  double total = hn::GetLane(hn::SumOfLanes(f, sum));
  for (; i < count; ++i) total += std::exp(static_cast<double>(logits[i] - maximum));
  state.sum = state.sum * std::exp(static_cast<double>(state.maximum - maximum)) + total;
  state.maximum = maximum;
}

void to_bf16(const float* x, uint16_t* y, int64_t count) {
  for (int64_t i = 0; i < count; ++i) {
    const auto bits = std::bit_cast<uint32_t>(x[i]);
    const uint32_t rounded = bits + 0x7fff + (bits >> 16 & 1);
    y[i] = static_cast<uint16_t>((x[i] != x[i] ? bits | 0x400000 : rounded) >> 16);
  }
}

const char* target_name() { return hwy::TargetName(HWY_TARGET); }

}  // namespace idleheads::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace idleheads {

HWY_EXPORT(to_bf16);
HWY_EXPORT(rms_norm);
HWY_EXPORT(add);
HWY_EXPORT(layer_norm);
HWY_EXPORT(scale);
HWY_EXPORT(clip);
HWY_EXPORT(silu_multiply);
HWY_EXPORT(gelu_multiply);
HWY_EXPORT(gelu_tanh_multiply);
HWY_EXPORT(clamped_silu_multiply);
HWY_EXPORT(rope);
HWY_EXPORT(sum_of_squares);
HWY_EXPORT(all_finite);
HWY_EXPORT(accumulate);
HWY_EXPORT(target_name);

void to_bf16(const float* x, uint16_t* y, int64_t count) { HWY_DYNAMIC_DISPATCH(to_bf16)(x, y, count); }
void rms_norm(const float* x, const float* weight, float epsilon, float* y, int64_t count) {
  HWY_DYNAMIC_DISPATCH(rms_norm)(x, weight, epsilon, y, count);
}
void add(const float* x, float* y, int64_t count) { HWY_DYNAMIC_DISPATCH(add)(x, y, count); }
void silu_multiply(const float* gate, const float* up, float* y, int64_t count) {
  HWY_DYNAMIC_DISPATCH(silu_multiply)(gate, up, y, count);
}
void gelu_multiply(const float* gate, const float* up, float* y, int64_t count) {
  HWY_DYNAMIC_DISPATCH(gelu_multiply)(gate, up, y, count);
}
void gelu_tanh_multiply(const float* gate, const float* up, float* y, int64_t count) {
  HWY_DYNAMIC_DISPATCH(gelu_tanh_multiply)(gate, up, y, count);
}
void clamped_silu_multiply(const float* gate, const float* up, float* y, int64_t count) {
  HWY_DYNAMIC_DISPATCH(clamped_silu_multiply)(gate, up, y, count);
}
void layer_norm(const float* x, const float* weight, const float* bias, float epsilon, float* y,
                int64_t count) {
  HWY_DYNAMIC_DISPATCH(layer_norm)(x, weight, bias, epsilon, y, count);
}
void scale(float factor, float* y, int64_t count) { HWY_DYNAMIC_DISPATCH(scale)(factor, y, count); }
void clip(float limit, float* y, int64_t count) { HWY_DYNAMIC_DISPATCH(clip)(limit, y, count); }
void rope(float* head, const float* c, const float* s, int64_t dim) {
  HWY_DYNAMIC_DISPATCH(rope)(head, c, s, dim);
}
float norm(const float* x, int64_t count) {
  return std::sqrt(HWY_DYNAMIC_DISPATCH(sum_of_squares)(x, count));
}
bool all_finite(const float* x, int64_t count) { return HWY_DYNAMIC_DISPATCH(all_finite)(x, count); }
void accumulate(const float* logits, int64_t count, LogSumExp& state) {
  HWY_DYNAMIC_DISPATCH(accumulate)(logits, count, state);
}
std::string simd_target() { return HWY_DYNAMIC_DISPATCH(target_name)(); }

}  // namespace idleheads
#endif  // HWY_ONCE
