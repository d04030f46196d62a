// How blocks of attention_mma.cu divide their work, and how queries, keys and values come to them.
#pragma once

#include <cstddef>
#include <cstdint>

#include "cuda/attention.h"
#include "cuda/device.h"

namespace idleheads::cuda::mma {

constexpr int kWarps = 4, kThreads = kWarps * 32;

// Rows a warp has: in fragments of 16, as many as registers hold outputs of. One fragment of a key or value
// read from shared memory then serves as many products.
constexpr int fragments_of(int head_dim) { return head_dim > 128 ? 1 : 2; }

// How the work is cut for a head size. 64 and 128 are the best of those measured on an H100.
template <int kHeadDim>
struct Shape {
  static constexpr int kDim = kHeadDim;
  static constexpr int kFragments = fragments_of(kDim), kRows = 16 * kFragments;
  static constexpr int kStages = kDim > 64 ? 2 : 3;       // tiles in shared memory
  static constexpr int kTileKeys = kDim > 128 ? 32 : 64;  // more do not fit
  static constexpr int kBlockKeys = kDim > 64 ? 32 : 64;  // between two looks at the maximum
  static constexpr int kStride = kDim + 8;                // of rows in shared memory: no bank conflicts
  static constexpr int kTile = kTileKeys * kStride;       // elements of a tile of keys, or of values
  static constexpr bool kSharedQueries = kFragments * kDim > 128;  // else in registers
  static constexpr size_t kSharedBytes =
      sizeof(Bf16) * (kStages * 2 * kTile + (kSharedQueries ? kWarps * kRows * kStride : 0));
};

IH_DEVICE int thread() { return static_cast<int>(threadIdx.x); }
IH_DEVICE int lane() { return thread() & 31; }
IH_DEVICE int warp() { return thread() >> 5; }
// A thread's place in a fragment: its row (it has row + 8, too) and its columns, pair and pair + 1.
IH_DEVICE int row() { return lane() >> 2; }
IH_DEVICE int pair() { return (lane() & 3) * 2; }

// Registers are short while a warp walks over keys: what is needed only before and after is looked up twice.
IH_DEVICE const AttendItem& item_of(const AttendArguments& a) { return a.items[blockIdx.x]; }

// A block's work is counted in units of a chunk of rows of one head. Heads of a chunk follow one another.
struct Unit {
  int chunk, head;

  IH_DEVICE Unit(const AttendArguments& a, int number) {
    const int group_size = a.heads / a.kv_heads, unit = item_of(a).part * kWarps + number;
    chunk = unit / group_size;
    head = item_of(a).group * group_size + unit % group_size;
  }
};

IH_DEVICE int head_of(const AttendArguments& a) { return Unit(a, warp()).head; }

// Positions of the warp's rows, from first to last; there may be none.
struct Rows {
  int first, last;

  IH_DEVICE bool any() const { return first <= last; }
  // Of the thread's row in a half of a fragment.
  IH_DEVICE int position(int m, int half) const { return first + m * 16 + half * 8 + row(); }
  IH_DEVICE bool has(int m, int half) const { return position(m, half) <= last; }
};

template <typename S>
IH_DEVICE Rows rows_of(const AttendArguments& a, int warp) {
  const AttendItem& item = item_of(a);
  const int first = Unit(a, warp).chunk * S::kRows;
  return {item.first + first, item.first + min(item.count, first + S::kRows) - 1};
}

// Row of the batch.
IH_DEVICE int64_t row_of(const AttendArguments& a, int position) {
  const AttendItem& item = item_of(a);
  return item.first_row + (position - item.first);
}

// A thread's queries: in its registers, or its warp's rows in shared memory.
template <typename S>
struct Queries {
  uint32_t held[S::kSharedQueries ? 1 : S::kFragments][S::kSharedQueries ? 1 : S::kDim / 16][4];
  const Bf16* rows;

  // Shared memory is filled by copies that are not committed yet.
  IH_DEVICE void read(const AttendArguments& a, const Rows& mine, Bf16* shared) {
    const auto* queries = static_cast<const Bf16*>(a.queries) + int64_t{head_of(a)} * S::kDim;
    if constexpr (S::kSharedQueries) {
      constexpr int kPieces = S::kDim / kCopiedElements;
      Bf16* to = shared + warp() * S::kRows * S::kStride;
      for (int i = lane(); i < S::kRows * kPieces; i += 32) {
        const int position = mine.first + i / kPieces, column = i % kPieces * kCopiedElements;
        const bool there = position <= mine.last;
        const Bf16* from = queries + (there ? row_of(a, position) * a.width : 0) + column;
        copy_async(to + i / kPieces * S::kStride + column, from, there);
      }
      rows = to + lane() % 16 * S::kStride + lane() / 16 * 8;
    } else {
      IH_UNROLL for (int m = 0; m < S::kFragments; ++m) {
        IH_UNROLL for (int half = 0; half < 2; ++half) {
          const bool there = mine.has(m, half);
          const int64_t from = there ? row_of(a, mine.position(m, half)) * a.width : 0;
          const auto* words = reinterpret_cast<const uint32_t*>(queries + from + pair());
          IH_UNROLL for (int k = 0; k < S::kDim / 16; ++k) {
            held[m][k][half] = there ? words[k * 8] : 0;
            held[m][k][half + 2] = there ? words[k * 8 + 4] : 0;
          }
        }
      }
    }
  }

  IH_DEVICE void fragment(int m, int k, uint32_t (&to)[4]) const {
    if constexpr (S::kSharedQueries) {
      load_matrices<false>(to, rows + m * 16 * S::kStride + k * 16);
    } else {
      IH_UNROLL for (int r = 0; r < 4; ++r) to[r] = held[m][k][r];
    }
  }
};

// Walks over the keys of a sequence in ascending order of positions.
struct Cursor {
  int run;          // number of a KeyRun
  int before, end;  // its positions
};

// Starts to copy the keys at `first` and following, and their values, with zeros from `end` on.
template <typename S, bool with_values>
IH_DEVICE void load_tile(const AttendArguments& a, Cursor& cursor, int first, int end, Bf16* keys) {
  constexpr int kPieces = S::kDim / kCopiedElements;
  const int64_t column = int64_t{item_of(a).group} * S::kDim;
  KeyRun run = a.keys[cursor.run];
  IH_UNROLL_TWICE for (int i = thread(); i < S::kTileKeys * kPieces; i += kThreads) {
    const int key = i / kPieces, piece = i % kPieces, position = first + key;
    const bool there = position < end;
    while (there && position >= cursor.end) {
      run = a.keys[++cursor.run];
      cursor.before = cursor.end;
      cursor.end += static_cast<int>(run.count);
    }
    const int64_t row = there ? position - cursor.before : 0;
    const Bf16* from =
        static_cast<const Bf16*>(run.rows) + row * run.stride + column + piece * kCopiedElements;
    Bf16* to = keys + key * S::kStride + piece * kCopiedElements;
    copy_async(to, from, there);
    if constexpr (with_values) copy_async(to + S::kTile, from + run.values, there);
  }
}

// Calls each(position, keys) for tiles of all keys that rows of the block see, in shared memory; values lie
// behind keys.
template <typename S, bool with_values, typename Each>
IH_DEVICE void walk(const AttendArguments& a, Bf16* shared, const Each& each) {
  constexpr int kAhead = (S::kStages - 1) * S::kTileKeys;
  const int end = rows_of<S>(a, kWarps - 1).last + 1;
  const int begin = max(0, rows_of<S>(a, 0).first + 1 - a.window) / S::kTileKeys * S::kTileKeys;
  Cursor cursor = {item_of(a).keys, 0, static_cast<int>(a.keys[item_of(a).keys].count)};
  const auto load = [&](int position, int stage) {
    if (position < end) {
      load_tile<S, with_values>(a, cursor, position, end, shared + stage * 2 * S::kTile);
    }
    commit_copies();
  };
  IH_UNROLL for (int i = 0; i < S::kStages - 1; ++i) load(begin + i * S::kTileKeys, i);
  int stage = 0;
  IH_UNROLL_NOT for (int position = begin; position < end; position += S::kTileKeys) {
    await_copies<S::kStages - 2>();
    __syncthreads();  // the tile is there for all, and all have read the one before it
    load(position + kAhead, stage == 0 ? S::kStages - 1 : stage - 1);
    each(position, shared + stage * 2 * S::kTile);
    stage = stage == S::kStages - 1 ? 0 : stage + 1;
  }
}

}  // namespace idleheads::cuda::mma
