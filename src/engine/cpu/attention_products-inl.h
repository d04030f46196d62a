// Products of eight rows with a packed matrix, in float32 and in bf16, for attention.cc alone, which includes
// it once for each instruction set.
//
// An operand's elements run along the sum: float, or Bf16Pair, two consecutive numbers of the sum. A bf16
// product sums in float32, as the matrix units do.
#include <algorithm>

#include "engine/cpu/attention.h"
#include "engine/cpu/ops.h"

#if defined(IDLEHEADS_ATTENTION_PRODUCTS) == defined(HWY_TARGET_TOGGLE)
#ifdef IDLEHEADS_ATTENTION_PRODUCTS
#undef IDLEHEADS_ATTENTION_PRODUCTS
#else
#define IDLEHEADS_ATTENTION_PRODUCTS
#endif

#include <hwy/highway.h>

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

// Numbers in an element.
template <typename T>
constexpr int64_t kValues = 1;
template <>
constexpr int64_t kValues<Bf16Pair> = 2;

template <typename T>
constexpr int64_t elements(int64_t values) {
  return (values + kValues<T> - 1) / kValues<T>;
}

// c[r][0..kPanel) = sum over k of a[r][k] * b[k][0..kPanel) for r < kSub, k < depth elements.
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

// Highway 1.0.3 (Debian 12) knows no AVX-512-BF16, hence the compiler's own names.
#if HWY_TARGET <= HWY_AVX3
__attribute__((target("avx512bf16"))) inline void panel_product(const Bf16Pair* HWY_RESTRICT a,
                                                                int64_t a_stride,
                                                                const Bf16Pair* HWY_RESTRICT b,
                                                                int64_t b_stride, int64_t depth,
                                                                float* HWY_RESTRICT c, int64_t c_stride) {
  __m512 low[kSub], high[kSub];
  for (int64_t r = 0; r < kSub; ++r) low[r] = high[r] = _mm512_setzero_ps();
  for (int64_t k = 0; k < depth; ++k) {
    const auto b0 = (__m512bh)_mm512_loadu_si512(b + k * b_stride);
    const auto b1 = (__m512bh)_mm512_loadu_si512(b + k * b_stride + kLanes);
    for (int64_t r = 0; r < kSub; ++r) {
      const auto scale = (__m512bh)_mm512_set1_epi32(static_cast<int>(a[r * a_stride + k].bits));
      low[r] = _mm512_dpbf16_ps(low[r], scale, b0);
      high[r] = _mm512_dpbf16_ps(high[r], scale, b1);
    }
  }
  for (int64_t r = 0; r < kSub; ++r) {
    _mm512_storeu_ps(c + r * c_stride, low[r]);
    _mm512_storeu_ps(c + r * c_stride + kLanes, high[r]);
  }
}
#endif

// c [kBlockRows, columns] = a [kBlockRows, depth] b. Panel p of b begins at b + p * b_panel; its element k at
// k * b_stride.
template <typename T>
void block_product(const T* a, int64_t a_stride, const T* b, int64_t b_stride, int64_t b_panel, int64_t depth,
                   float* c, int64_t c_stride, int64_t columns) {
  for (int64_t p = 0; p * kPanel < columns; ++p) {
    for (int64_t r = 0; r < kBlockRows; r += kSub) {
      panel_product(a + r * a_stride, a_stride, b + p * b_panel, b_stride, depth,
                    c + r * c_stride + p * kPanel, c_stride);
    }
  }
}

// The same for a lower triangular b [depth, columns], columns a multiple of kPanel.
void triangular_product(const float* a, int64_t a_stride, const float* b, int64_t depth, float* c,
                        int64_t columns) {
  for (int64_t first = 0; first < columns; first += kPanel) {
    for (int64_t r = 0; r < kBlockRows; r += kSub) {
      panel_product(a + r * a_stride + first, a_stride, b + first * columns + first, columns, depth - first,
                    c + r * columns + first, columns);
    }
  }
}

inline void to_elements(const float* x, float* y, int64_t count) { std::copy_n(x, count, y); }

inline void to_elements(const float* x, Bf16Pair* y, int64_t count) {
  idleheads::to_bf16(x, reinterpret_cast<uint16_t*>(y), count);
}

// The same without copying floats.
inline const float* as_elements(const float* x, AlignedBuffer<float>&, int64_t) { return x; }

inline const Bf16Pair* as_elements(const float* x, AlignedBuffer<Bf16Pair>& buffer, int64_t count) {
  buffer.resize(count / 2);
  to_elements(x, buffer.data(), count);
  return buffer.data();
}

// Rows k * kValues<T> and following of a matrix [.., count], given by their addresses, as row k of elements.
inline void interleave(const float* const* rows, float* y, int64_t count) { std::copy_n(rows[0], count, y); }

inline void interleave(const float* const* rows, Bf16Pair* y, int64_t count) {
  constexpr int64_t kAtOnce = 64;
  uint16_t low[kAtOnce], high[kAtOnce];
  for (int64_t i = 0; i < count; i += kAtOnce) {
    const int64_t n = std::min(kAtOnce, count - i);
    idleheads::to_bf16(rows[0] + i, low, n);
    idleheads::to_bf16(rows[1] + i, high, n);
    for (int64_t j = 0; j < n; ++j) y[i + j] = {low[j] | uint32_t{high[j]} << 16};
  }
}

}  // namespace idleheads::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
