// Causal attention with head statistics, FlashAttention-2's order of work: queries in registers, keys and
// values in tiles of 64 through shared memory, softmax with running maximum. A warp takes 16 queries of one
// head, a block four warps of one key/value head.
//
// A row's numbers depend on its own keys alone: tiles begin at multiples of 64 positions wherever the tree is
// cut, and a tile that is masked whole adds exact zeros and multiplies by exact ones.
#pragma once

#include "device.h"

namespace idleheads::gpu {

struct KeyRun { int64_t first_row; int32_t count; };  // consecutive positions
struct Stats { float first_weight, entropy, output_norm, projected_norm; };

struct AttendItem {
  int64_t first_row;     // of the queries' first position
  int32_t first, count;  // positions of the sample
  int32_t group, unit;   // unit u: head u % heads of the group, positions u / heads * 16 and following
  int32_t runs, run_count;  // of keys, from position 0
};

struct AttendArguments {
  Bf16* qkv;  // [rows, width]: queries of all heads, keys, values; z replaces the queries
  int64_t width;
  int32_t heads, kv_heads;
  float scale;  // log2(e) / sqrt(head_dim)
  const AttendItem* items;
  const KeyRun* runs;
  const uint32_t* factors;  // [heads][head_dim / 16][head_dim / 8][32][2]: L as fragments
  Stats* stats;             // [rows, heads]
  int* bad;                 // 1 + row * heads + head of a NaN or infinity, else 0
};

constexpr int kTileKeys = 64, kPad = 8;  // bf16 behind each row: no bank conflicts
template <int D>
constexpr int kSharedBytes = 2 * 2 * kTileKeys * (D + kPad) * 2;

template <int D>
__device__ inline void load_tile(const AttendArguments& a, const AttendItem& item, int first, Bf16* keys, Bf16* values) {
  constexpr int kPieces = D / 8;  // of 16 bytes in a row
  const int64_t column = (a.heads + item.group) * int64_t{D};
  const int end = item.first + item.count;
  for (int i = static_cast<int>(threadIdx.x); i < kTileKeys * kPieces; i += 128) {
    const int key = i / kPieces, piece = i % kPieces, position = first + key;
    const bool there = position < end;
    int64_t row = 0;
    if (there) {
      int before = 0, r = 0;
      while (position >= before + a.runs[item.runs + r].count) before += a.runs[item.runs + r++].count;
      row = a.runs[item.runs + r].first_row + position - before;
    }
    const Bf16* source = a.qkv + row * a.width + column + piece * 8;
    copy_async(keys + key * (D + kPad) + piece * 8, source, there);
    copy_async(values + key * (D + kPad) + piece * 8, source + a.kv_heads * int64_t{D}, there);
  }
  commit_copies();
}

template <int D, bool kProject = true>
__global__ void __launch_bounds__(128) attend(AttendArguments a) {
  constexpr int kStride = D + kPad, kTile = kTileKeys * kStride;
  constexpr float kNone = -1e30f;  // exponential exactly 0; finite, so that differences are numbers
  Bf16* shared = shared_memory<Bf16>();
  const AttendItem item = a.items[blockIdx.x];
  const int lane = static_cast<int>(threadIdx.x) % 32, warp = static_cast<int>(threadIdx.x) / 32;
  const int row = lane / 4, pair = lane % 4 * 2;
  const int group_size = a.heads / a.kv_heads;
  const int unit = item.unit + warp, chunk = unit / group_size * 16, head = item.group * group_size + unit % group_size;
  const bool busy = chunk < item.count;
  // The block's last warp has its last positions.
  const int last_chunk = (item.unit + 3) / group_size * 16;
  const int end = item.first + min(item.count, last_chunk + 16), tiles = (end + kTileKeys - 1) / kTileKeys;

  uint32_t query[D / 16][4] = {};
  const int64_t rows[2] = {item.first_row + chunk + row, item.first_row + chunk + row + 8};
  const bool mine[2] = {busy && chunk + row < item.count, busy && chunk + row + 8 < item.count};
  for (int h = 0; h < 2; ++h) {
    if (!mine[h]) continue;
    const auto* source = reinterpret_cast<const uint32_t*>(a.qkv + rows[h] * a.width + head * int64_t{D});
#pragma unroll
    for (int k = 0; k < D / 16; ++k) {
      query[k][h] = source[k * 8 + pair / 2];
      query[k][h + 2] = source[k * 8 + pair / 2 + 4];
    }
  }
  float output[D / 8][4] = {};
  float top[2] = {kNone, kNone}, sum[2] = {}, weighted[2] = {}, first_score[2] = {};
  const int position[2] = {item.first + chunk + row, item.first + chunk + row + 8};

  load_tile<D>(a, item, 0, shared, shared + kTile);
  for (int t = 0; t < tiles; ++t) {
    if (t + 1 < tiles) {
      Bf16* next = shared + (t + 1) % 2 * 2 * kTile;
      load_tile<D>(a, item, (t + 1) * kTileKeys, next, next + kTile);
      await_copies<1>();
    } else {
      await_copies<0>();
    }
    __syncthreads();
    const Bf16* keys = shared + t % 2 * 2 * kTile;
    const Bf16* values = keys + kTile;
    if (busy && t * kTileKeys <= item.first + chunk + 15) {
      float score[kTileKeys / 8][4] = {};
#pragma unroll
      for (int n = 0; n < kTileKeys / 8; n += 2) {
#pragma unroll
        for (int k = 0; k < D / 16; ++k) {
          uint32_t b[4];  // keys n * 8 + 0..7: elements k * 16 + 0..7, + 8..15; then keys + 8
          load_matrices<false>(b, keys + (n * 8 + lane / 16 * 8 + lane % 8) * kStride + k * 16 + lane / 8 % 2 * 8);
          const uint32_t b0[2] = {b[0], b[1]}, b1[2] = {b[2], b[3]};
          multiply(score[n], query[k], b0);
          multiply(score[n + 1], query[k], b1);
        }
      }
      uint32_t weight[kTileKeys / 16][4];
#pragma unroll
      for (int h = 0; h < 2; ++h) {
        float highest = kNone;
#pragma unroll
        for (int n = 0; n < kTileKeys / 8; ++n) {
          for (int e = 0; e < 2; ++e) {
            float& s = score[n][h * 2 + e];
            s = t * kTileKeys + n * 8 + pair + e <= position[h] ? s * a.scale : kNone;
            highest = fmaxf(highest, s);
          }
        }
        if (t == 0) first_score[h] = score[0][h * 2];  // of the lanes with pair 0
        const float maximum = fmaxf(top[h], row_max(highest));
        const float shift = top[h] - maximum, factor = exp2(shift);
        float more = 0, more_weighted = 0;
#pragma unroll
        for (int n = 0; n < kTileKeys / 8; ++n) {
          float p[2];
          for (int e = 0; e < 2; ++e) {
            const float d = score[n][h * 2 + e] - maximum;
            p[e] = exp2(d);
            more += p[e];
            more_weighted = fmaf(p[e], d, more_weighted);
          }
          weight[n / 2][n % 2 * 2 + h] = pack(p[0], p[1]);
        }
        // Of this lane's columns; summed over the row's four lanes at the end. No term is positive.
        weighted[h] = factor * fmaf(shift, sum[h], weighted[h]) + more_weighted;
        sum[h] = factor * sum[h] + more;
        top[h] = maximum;
#pragma unroll
        for (int n = 0; n < D / 8; ++n) {
          output[n][h * 2] *= factor;
          output[n][h * 2 + 1] *= factor;
        }
      }
#pragma unroll
      for (int k = 0; k < kTileKeys / 16; ++k) {
#pragma unroll
        for (int n = 0; n < D / 8; n += 2) {
          uint32_t b[4];
          load_matrices<true>(b, values + (k * 16 + lane / 8 % 2 * 8 + lane % 8) * kStride + n * 8 + lane / 16 * 8);
          const uint32_t b0[2] = {b[0], b[1]}, b1[2] = {b[2], b[3]};
          multiply(output[n], weight[k], b0);
          multiply(output[n + 1], weight[k], b1);
        }
      }
    }
#ifndef PLANT_RACE
    __syncthreads();
#endif
  }
  if (!busy) return;

  float norm[2] = {}, projected[2] = {}, entropy[2], inverse[2];
  for (int h = 0; h < 2; ++h) {
    const float z = row_sum(sum[h]), u = row_sum(weighted[h]);
    inverse[h] = 1.0f / z;
    entropy[h] = fmaxf(0.6931471805599453f * (log2f(z) - u / z), 0.0f);
  }
  uint32_t z[D / 16][4];
#pragma unroll
  for (int n = 0; n < D / 8; ++n) {
    for (int h = 0; h < 2; ++h) {
      const float x = output[n][h * 2] * inverse[h], y = output[n][h * 2 + 1] * inverse[h];
      norm[h] = fmaf(x, x, fmaf(y, y, norm[h]));
      z[n / 2][n % 2 * 2 + h] = pack(x, y);
    }
  }
  if constexpr (kProject) {
  // |z L|, L lower triangular: its columns n * 8 and following are zero above row n * 8.
  const auto* factor = reinterpret_cast<const uint2*>(a.factors) + head * int64_t{D / 16} * (D / 8) * 32;
#pragma unroll
  for (int n = 0; n < D / 8; ++n) {
    float y[4] = {};
#pragma unroll
    for (int k = n / 2; k < D / 16; ++k) {
      const uint2 l = factor[(k * (D / 8) + n) * 32 + lane];
      const uint32_t b[2] = {l.x, l.y};
      multiply(y, z[k], b);
    }
    for (int h = 0; h < 2; ++h) projected[h] = fmaf(y[h * 2], y[h * 2], fmaf(y[h * 2 + 1], y[h * 2 + 1], projected[h]));
  }
  }
  for (int h = 0; h < 2; ++h) {
    const float n = sqrtf(row_sum(norm[h])), w = sqrtf(row_sum(projected[h]));
    if (!mine[h]) continue;
    auto* target = reinterpret_cast<uint32_t*>(a.qkv + rows[h] * a.width + head * int64_t{D});
#pragma unroll
    for (int k = 0; k < D / 16; ++k) {
      target[k * 8 + pair / 2] = z[k][h];
      target[k * 8 + pair / 2 + 4] = z[k][h + 2];
    }
    if (pair == 0) {
      // z's sum is at hand in inverse
      a.stats[rows[h] * a.heads + head] = {exp2(first_score[h] - top[h]) * inverse[h], entropy[h], n, w};
      if (!(entropy[h] + n + w < 1e38f)) *a.bad = static_cast<int>(1 + rows[h] * a.heads + head);
    }
  }
}

}  // namespace idleheads::gpu
