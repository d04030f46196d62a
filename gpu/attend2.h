// Variant of attend.h with cheap changes; same mathematics, other bits (scale folded into one fmaf).
//  - M fragments of 16 positions a warp: a key or value fragment read from shared memory serves M products
//  - W warps a block, S stages, one barrier a tile instead of two
//  - the run of keys is a cursor in registers (positions ascend), not a search for each 16 bytes
//  - the mask is compared only in tiles that need it; outputs are rescaled only if some maximum of the warp rose
#pragma once
#include "attend.h"
#ifndef __CUDACC__
inline int __any_sync(unsigned, int value) {
  struct Lane { int in, out; } lane = {value, 0};
  emulated::block().collective(lane, [](Lane* const* all) {
    int any = 0; for (int i = 0; i < 32; ++i) any |= all[i]->in != 0;
    for (int i = 0; i < 32; ++i) all[i]->out = any;
  });
  return lane.out;
}
#endif
namespace idleheads::gpu {

struct Cursor { int run = -1, before = 0, end = 0; int64_t row = 0; };  // of the run: positions, first row minus before

template <int D, int M> constexpr bool kQueriesShared = M * D > 128;
template <int D, int M, int W, int S>
constexpr int kShared2 = (S * 2 * kTileKeys + (kQueriesShared<D, M> ? W * M * 16 : 0)) * (D + kPad) * 2;

template <int D, int W>
__device__ inline void load_tile2(const AttendArguments& a, const AttendItem& item, Cursor& c, int first, int end, Bf16* keys, Bf16* values) {
  constexpr int kPieces = D / 8;
  const int64_t column = (a.heads + item.group) * int64_t{D};
#pragma unroll 2
  for (int i = static_cast<int>(threadIdx.x); i < kTileKeys * kPieces; i += W * 32) {
    const int key = i / kPieces, piece = i % kPieces, position = first + key;
    const bool there = position < end;
    int64_t row = 0;
    if (there) {
      while (position >= c.end) {
        const KeyRun run = a.runs[item.runs + ++c.run];
        c.before = c.end; c.end += run.count; c.row = run.first_row - c.before;
      }
      row = c.row + position;
    }
    const Bf16* source = a.qkv + row * a.width + column + piece * 8;
    copy_async(keys + key * (D + kPad) + piece * 8, source, there);
    copy_async(values + key * (D + kPad) + piece * 8, source + a.kv_heads * int64_t{D}, there);
  }
}

template <int D, int M, int W, int S, int B = 64, int kBlocks = 1, bool kProject = true>  // B keys between two looks at the maximum
__global__ void __launch_bounds__(W * 32, kBlocks) attend2(AttendArguments a) {
  constexpr int kStride = D + kPad, kTile = kTileKeys * kStride, kRows = M * 16;
  constexpr bool kShareQ = kQueriesShared<D, M>;
  constexpr float kNone = -1e30f;
  Bf16* shared = shared_memory<Bf16>();
  const AttendItem item = a.items[blockIdx.x];
  const int lane = static_cast<int>(threadIdx.x) % 32, warp = static_cast<int>(threadIdx.x) / 32;
  const int row = lane / 4, pair = lane % 4 * 2;
  const int group_size = a.heads / a.kv_heads;
  const int unit = item.unit + warp, chunk = unit / group_size * kRows, head = item.group * group_size + unit % group_size;
  const bool busy = chunk < item.count;
  const int last_chunk = (item.unit + W - 1) / group_size * kRows;
  const int end = item.first + min(item.count, last_chunk + kRows), tiles = (end + kTileKeys - 1) / kTileKeys;

  Bf16* mine = shared + S * 2 * kTile + warp * kRows * kStride;  // queries
  uint32_t query[kShareQ ? 1 : M][kShareQ ? 1 : D / 16][4] = {};
  if constexpr (kShareQ) {
    for (int i = lane; i < kRows * (D / 8); i += 32) {
      const int r = i / (D / 8), piece = i % (D / 8);
      const bool there = chunk + r < item.count;
      copy_async(mine + r * kStride + piece * 8, a.qkv + (there ? item.first_row + chunk + r : 0) * a.width + head * int64_t{D} + piece * 8, there);
    }
  } else {
#pragma unroll
    for (int m = 0; m < M; ++m) {
#pragma unroll
      for (int h = 0; h < 2; ++h) {
        const int at = chunk + m * 16 + h * 8 + row;
        if (at >= item.count) continue;
        const auto* source = reinterpret_cast<const uint32_t*>(a.qkv + (item.first_row + at) * a.width + head * int64_t{D});
#pragma unroll
        for (int k = 0; k < D / 16; ++k) {
          query[m][k][h] = source[k * 8 + pair / 2];
          query[m][k][h + 2] = source[k * 8 + pair / 2 + 4];
        }
      }
    }
  }
  float output[M][D / 8][4] = {};
  float top[M][2], sum[M][2] = {}, weighted[M][2] = {}, first_score[M][2] = {};
  for (int m = 0; m < M; ++m) top[m][0] = top[m][1] = kNone;
  const int position = item.first + chunk + row;

  Cursor cursor;
#pragma unroll
  for (int s = 0; s < S - 1; ++s) {
    if (s < tiles) load_tile2<D, W>(a, item, cursor, s * kTileKeys, end, shared + s * 2 * kTile, shared + s * 2 * kTile + kTile);
    commit_copies();
  }
  for (int t = 0; t < tiles; ++t) {
    await_copies<S - 2>();
    __syncthreads();  // tile t is there for all, and all have read tile t - 1
    if (t + S - 1 < tiles) {
      Bf16* next = shared + (t + S - 1) % S * 2 * kTile;
      load_tile2<D, W>(a, item, cursor, (t + S - 1) * kTileKeys, end, next, next + kTile);
    }
    commit_copies();
    if (!busy || t * kTileKeys > item.first + chunk + kRows - 1) continue;
    const Bf16* keys = shared + t % S * 2 * kTile;
    const Bf16* values = keys + kTile;
#pragma unroll 1
    for (int b0 = 0; b0 < kTileKeys; b0 += B) {
      if (t * kTileKeys + b0 > item.first + chunk + kRows - 1) break;
      float score[M][B / 8][4] = {};
#pragma unroll
      for (int k = 0; k < D / 16; ++k) {
        uint32_t q[M][4];
#pragma unroll
        for (int m = 0; m < M; ++m) {
          if constexpr (kShareQ) {
            load_matrices<false>(q[m], mine + (m * 16 + lane % 16) * kStride + k * 16 + lane / 16 * 8);
          } else {
            for (int r = 0; r < 4; ++r) q[m][r] = query[m][k][r];
          }
        }
#pragma unroll
        for (int n = 0; n < B / 8; n += 2) {
          uint32_t b[4];
          load_matrices<false>(b, keys + (b0 + n * 8 + lane / 16 * 8 + lane % 8) * kStride + k * 16 + lane / 8 % 2 * 8);
          const uint32_t left[2] = {b[0], b[1]}, right[2] = {b[2], b[3]};
#pragma unroll
          for (int m = 0; m < M; ++m) {
            multiply(score[m][n], q[m], left);
            multiply(score[m][n + 1], q[m], right);
          }
        }
      }
      if (t * kTileKeys + b0 + B - 1 > item.first + chunk) {  // else all keys are before all positions
#pragma unroll
        for (int m = 0; m < M; ++m)
#pragma unroll
          for (int n = 0; n < B / 8; ++n)
#pragma unroll
            for (int e = 0; e < 4; ++e)
              if (t * kTileKeys + b0 + n * 8 + pair + e % 2 > position + m * 16 + e / 2 * 8) score[m][n][e] = kNone;
      }
      uint32_t weight[M][B / 16][4];
#pragma unroll
      for (int m = 0; m < M; ++m) {
        float factor[2];
#pragma unroll
        for (int h = 0; h < 2; ++h) {
          float highest = kNone;
#pragma unroll
          for (int n = 0; n < B / 8; ++n) highest = fmaxf(highest, fmaxf(score[m][n][h * 2], score[m][n][h * 2 + 1]));
          if (t == 0 && b0 == 0) first_score[m][h] = score[m][0][h * 2];
          const float maximum = fmaxf(top[m][h], row_max(highest) * a.scale);
          const float shift = top[m][h] - maximum;
          factor[h] = exp2(shift);
          float more = 0, more_weighted = 0;
#pragma unroll
          for (int n = 0; n < B / 8; ++n) {
            float p[2];
#pragma unroll
            for (int e = 0; e < 2; ++e) {
              const float d = fmaf(score[m][n][h * 2 + e], a.scale, -maximum);
              p[e] = exp2(d);
              more += p[e];
              more_weighted = fmaf(p[e], d, more_weighted);
            }
            weight[m][n / 2][n % 2 * 2 + h] = pack(p[0], p[1]);
          }
          weighted[m][h] = factor[h] * fmaf(shift, sum[m][h], weighted[m][h]) + more_weighted;
          sum[m][h] = factor[h] * sum[m][h] + more;
          top[m][h] = maximum;
        }
        if (__any_sync(0xffffffffu, factor[0] != 1.0f || factor[1] != 1.0f)) {
#pragma unroll
          for (int n = 0; n < D / 8; ++n)
#pragma unroll
            for (int e = 0; e < 4; ++e) output[m][n][e] *= factor[e / 2];
        }
      }
#pragma unroll
      for (int k = 0; k < B / 16; ++k) {
#pragma unroll
        for (int n = 0; n < D / 8; n += 2) {
          uint32_t b[4];
          load_matrices<true>(b, values + (b0 + k * 16 + lane / 8 % 2 * 8 + lane % 8) * kStride + n * 8 + lane / 16 * 8);
          const uint32_t left[2] = {b[0], b[1]}, right[2] = {b[2], b[3]};
#pragma unroll
          for (int m = 0; m < M; ++m) {
            multiply(output[m][n], weight[m][k], left);
            multiply(output[m][n + 1], weight[m][k], right);
          }
        }
      }
    }
  }
  if (!busy) return;

  // All fragments of 16 positions together: an element of L is read once for them.
  float norm[M][2] = {}, projected[M][2] = {}, entropy[M][2], inverse[M][2];
  uint32_t z[M][D / 16][4];
#pragma unroll
  for (int m = 0; m < M; ++m) {
    for (int h = 0; h < 2; ++h) {
      const float l = row_sum(sum[m][h]), u = row_sum(weighted[m][h]);
      inverse[m][h] = 1.0f / l;
      const float e = 0.6931471805599453f * (log2f(l) - u / l);
      entropy[m][h] = e < 0.0f ? 0.0f : e;  // not fmaxf: it makes zero of NaN
    }
#pragma unroll
    for (int n = 0; n < D / 8; ++n) {
      for (int h = 0; h < 2; ++h) {
        const float x = output[m][n][h * 2] * inverse[m][h], y = output[m][n][h * 2 + 1] * inverse[m][h];
        norm[m][h] = fmaf(x, x, fmaf(y, y, norm[m][h]));
        z[m][n / 2][n % 2 * 2 + h] = pack(x, y);
      }
    }
#pragma unroll
    for (int h = 0; h < 2; ++h) {
      const int at = chunk + m * 16 + h * 8 + row;
      if (at >= item.count) continue;
      auto* target = reinterpret_cast<uint32_t*>(a.qkv + (item.first_row + at) * a.width + head * int64_t{D});
#pragma unroll
      for (int k = 0; k < D / 16; ++k) {
        target[k * 8 + pair / 2] = z[m][k][h];
        target[k * 8 + pair / 2 + 4] = z[m][k][h + 2];
      }
    }
  }
  if constexpr (kProject) {
    const auto* factor = reinterpret_cast<const uint2*>(a.factors) + head * int64_t{D / 16} * (D / 8) * 32 + lane;
#pragma unroll
    for (int n = 0; n < D / 8; ++n) {
      float y[M][4] = {};
#pragma unroll
      for (int k = n / 2; k < D / 16; ++k) {
        const uint2 l = factor[(k * (D / 8) + n) * 32];
        const uint32_t b[2] = {l.x, l.y};
#pragma unroll
        for (int m = 0; m < M; ++m) multiply(y[m], z[m][k], b);
      }
#pragma unroll
      for (int m = 0; m < M; ++m)
        for (int h = 0; h < 2; ++h) projected[m][h] = fmaf(y[m][h * 2], y[m][h * 2], fmaf(y[m][h * 2 + 1], y[m][h * 2 + 1], projected[m][h]));
    }
  }
#pragma unroll
  for (int m = 0; m < M; ++m) {
    for (int h = 0; h < 2; ++h) {
      const float n = sqrtf(row_sum(norm[m][h])), w = kProject ? sqrtf(row_sum(projected[m][h])) : 0.0f;
      const int at = chunk + m * 16 + h * 8 + row;
      if (at >= item.count || pair != 0) continue;
      const int64_t r = item.first_row + at;
      a.stats[r * a.heads + head] = {exp2(fmaf(first_score[m][h], a.scale, -top[m][h])) * inverse[m][h], entropy[m][h], n, w};
      if (!(entropy[m][h] + n + w < 1e38f)) *a.bad = static_cast<int>(1 + r * a.heads + head);
    }
  }
}
}  // namespace idleheads::gpu
