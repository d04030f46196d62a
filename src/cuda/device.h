// What kernels use of the GPU beyond C++: lanes of a warp, bf16, the tensor cores' product, asynchronous
// copies. Each has a form for nvcc and one for the emulation of tests/emulation, and nothing else of a kernel
// has two.
#pragma once

#include <cstdint>

#include "cuda/device_types.h"

#ifdef __CUDACC__
#include <cuda_bf16.h>
#include <cuda_runtime.h>
#define IH_DEVICE __device__ __forceinline__
// Before a loop: arrays that it indexes stay in registers only if it is unrolled.
#define IH_UNROLL _Pragma("unroll")
#define IH_UNROLL_TWICE _Pragma("unroll 2")
#define IH_UNROLL_NOT _Pragma("unroll 1")
#else
#include <bit>

#include "emulation/cuda_on_host.h"
#define IH_DEVICE inline
#define IH_UNROLL
#define IH_UNROLL_TWICE
#define IH_UNROLL_NOT
#endif

namespace idleheads::cuda {

#ifdef __CUDACC__

template <typename T>
__device__ __forceinline__ T* shared_memory() {
  extern __shared__ __align__(16) unsigned char memory[];
  return reinterpret_cast<T*>(memory);
}

IH_DEVICE float to_float(Bf16 x) { return __uint_as_float(uint32_t{x.bits} << 16); }
IH_DEVICE Bf16 to_bf16(float x) { return {__bfloat16_as_ushort(__float2bfloat16_rn(x))}; }

IH_DEVICE uint32_t pack(float low, float high) {
  const __nv_bfloat162 pair = __floats2bfloat162_rn(low, high);
  return reinterpret_cast<const uint32_t&>(pair);
}

// ex2.approx: 2 units in the last place
IH_DEVICE float exp2(float x) {
  float y;
  asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
  return y;
}

// d += a b for a [16, 16], b [16, 8]; fragments as the PTX manual lays them out.
IH_DEVICE void multiply(float (&d)[4], const uint32_t (&a)[4], const uint32_t (&b)[2]) {
  asm volatile(
      "mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, "
      "{%0,%1,%2,%3};"
      : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
}

// Four 8 x 8 matrices of bf16 in shared memory; lane i names row i % 8 of matrix i / 8.
template <bool transposed>
IH_DEVICE void load_matrices(uint32_t (&to)[4], const Bf16* row) {
  const auto address = static_cast<uint32_t>(__cvta_generic_to_shared(row));
  if constexpr (transposed) {
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0,%1,%2,%3}, [%4];"
                 : "=r"(to[0]), "=r"(to[1]), "=r"(to[2]), "=r"(to[3])
                 : "r"(address)
                 : "memory");
  } else {
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0,%1,%2,%3}, [%4];"
                 : "=r"(to[0]), "=r"(to[1]), "=r"(to[2]), "=r"(to[3])
                 : "r"(address)
                 : "memory");
  }
}

// 16 bytes from memory to shared memory, or zeros.
IH_DEVICE void copy_async(Bf16* to, const Bf16* from, bool there) {
  asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(
                   static_cast<uint32_t>(__cvta_generic_to_shared(to))),
               "l"(from), "r"(there ? 16 : 0)
               : "memory");
}
IH_DEVICE void commit_copies() { asm volatile("cp.async.commit_group;" ::: "memory"); }
template <int pending>
IH_DEVICE void await_copies() {
  asm volatile("cp.async.wait_group %0;" ::"n"(pending) : "memory");
}

#else

template <typename T>
T* shared_memory() {
  return reinterpret_cast<T*>(emulated::block().shared());
}

inline float to_float(Bf16 x) { return std::bit_cast<float>(uint32_t{x.bits} << 16); }
inline Bf16 to_bf16(float x) { return round_to_bf16(x); }
inline uint32_t pack(float low, float high) {
  return uint32_t{to_bf16(low).bits} | uint32_t{to_bf16(high).bits} << 16;
}
inline float exp2(float x) { return x < -126.0f ? 0.0f : std::exp2(x); }

inline void multiply(float (&d)[4], const uint32_t (&a)[4], const uint32_t (&b)[2]) {
  struct Lane {
    float* d;
    const uint32_t *a, *b;
  } lane = {d, a, b};
  emulated::block().collective(lane, [](Lane* const* all) {
    float left[16][16], right[16][8];
    for (int i = 0; i < 32; ++i) {
      const int group = i / 4, pair = i % 4 * 2;
      for (int half = 0; half < 2; ++half) {
        const auto value = [half](uint32_t bits) {
          return to_float(Bf16{static_cast<uint16_t>(bits >> 16 * half)});
        };
        for (int r = 0; r < 4; ++r) left[group + r % 2 * 8][pair + r / 2 * 8 + half] = value(all[i]->a[r]);
        for (int r = 0; r < 2; ++r) right[pair + r * 8 + half][group] = value(all[i]->b[r]);
      }
    }
    for (int i = 0; i < 32; ++i) {
      for (int e = 0; e < 4; ++e) {
        float sum = all[i]->d[e];
        for (int k = 0; k < 16; ++k) sum += left[i / 4 + e / 2 * 8][k] * right[k][i % 4 * 2 + e % 2];
        all[i]->d[e] = sum;
      }
    }
  });
}

template <bool transposed>
void load_matrices(uint32_t (&to)[4], const Bf16* row) {
  struct Lane {
    uint32_t* to;
    const Bf16* row;
  } lane = {to, row};
  emulated::block().collective(lane, [](Lane* const* all) {
    for (int i = 0; i < 32; ++i) {
      for (int m = 0; m < 4; ++m) {
        const auto at = [&](int r, int c) { return uint32_t{all[m * 8 + r]->row[c].bits}; };
        const int group = i / 4, pair = i % 4 * 2;
        all[i]->to[m] = transposed ? at(pair, group) | at(pair + 1, group) << 16
                                   : at(group, pair) | at(group, pair + 1) << 16;
      }
    }
  });
}

// Late, what is read before it was awaited is poison; eager, what others still read is overwritten.
struct PendingCopy {
  Bf16* to;
  const Bf16* from;
  bool there;
};
inline thread_local std::vector<std::vector<std::vector<PendingCopy> > > pending_copies;  // [thread][group]
inline std::vector<std::vector<PendingCopy> >& my_copies() {
  const unsigned me = threadIdx.x;
  if (pending_copies.size() <= me) pending_copies.resize(me + 1);
  auto& mine = pending_copies[me];
  if (mine.empty()) mine.resize(1);
  return mine;
}
inline void do_copy(const PendingCopy& c) {
  if (c.there)
    std::memcpy(c.to, c.from, 16);
  else
    std::memset(c.to, 0, 16);
}
inline void copy_async(Bf16* to, const Bf16* from, bool there) {
  const auto misplaced = [](const Bf16* pointer) { return reinterpret_cast<uintptr_t>(pointer) % 16 != 0; };
  if (misplaced(to) || misplaced(from)) throw std::runtime_error("a copy from or to an odd address");
  if (emulated::schedule().eager_copies) return do_copy({to, from, there});
  my_copies().back().push_back({to, from, there});
}
inline void commit_copies() { my_copies().emplace_back(); }
template <int pending>
void await_copies() {
  auto& groups = my_copies();
  while (groups.size() > pending + 1) {
    for (const PendingCopy& c : groups.front()) do_copy(c);
    groups.erase(groups.begin());
  }
}

#endif

IH_DEVICE float to_float(float x) { return x; }
template <typename Element>
IH_DEVICE Element from_float(float x) {
  if constexpr (sizeof(Element) == sizeof(float)) {
    return x;
  } else {
    return to_bf16(x);
  }
}

// Over the lanes of a warp; every lane gets it.
IH_DEVICE float warp_sum(float x) {
  for (int mask = 16; mask > 0; mask /= 2) x += __shfl_xor_sync(0xffffffffu, x, mask);
  return x;
}
IH_DEVICE float warp_max(float x) {
  for (int mask = 16; mask > 0; mask /= 2) x = fmaxf(x, __shfl_xor_sync(0xffffffffu, x, mask));
  return x;
}

// To a multiple of 2^-32: sums of such numbers are exact, and so do not depend on their order.
IH_DEVICE double rounded_weight(float x) {
  constexpr double kGrid = 1.5 * (1 << 20);
  return (static_cast<double>(x) + kGrid) - kGrid;
}

// Over the four lanes that hold a row of a product.
IH_DEVICE float row_sum(float x) {
  x += __shfl_xor_sync(0xffffffffu, x, 1);
  return x + __shfl_xor_sync(0xffffffffu, x, 2);
}
IH_DEVICE float row_max(float x) {
  x = fmaxf(x, __shfl_xor_sync(0xffffffffu, x, 1));
  return fmaxf(x, __shfl_xor_sync(0xffffffffu, x, 2));
}

}  // namespace idleheads::cuda
