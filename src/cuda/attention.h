// Causal attention on the device over all runs of a layer at once, with the head statistics as by-products
// (engine/statistics.h). What kernels take; attention.cu and attention_mma.cu have them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "cuda/start.h"

namespace idleheads::cuda {

// Keys and values of consecutive positions, of all key/value heads: head g of position i begins at
// rows + i * stride + g * head_dim, its value at + values.
struct KeyRun {
  const void* rows = nullptr;  // of Element
  int64_t stride = 0;          // elements
  int64_t values = 0;          // elements
  int64_t count = 0;
};

// What one block does: queries of one run and one group of heads that share a key/value head.
struct AttendItem {
  int64_t first_row = 0;  // of the run, in `queries` and `stats`
  int32_t first = 0;      // its first row's position
  int32_t count = 0;      // rows of the run
  int32_t group = 0;
  int32_t part = 0;        // of the run's and group's work, as the kernel divides it
  int32_t keys = 0;        // number of its first KeyRun; they are in the order of positions
  int32_t column_run = 0;  // number in AttendArguments::columns
};

// Of a row of a head: as RowStats.
struct HeadRow {
  float first_weight, entropy, output_norm, projected_norm, sink_weight;
};

struct AttendArguments {
  void* queries = nullptr;  // of Element, [rows, width]: heads side by side; z takes the query's place
  int64_t width = 0;        // elements between rows
  const AttendItem* items = nullptr;
  const KeyRun* keys = nullptr;
  int heads = 0, kv_heads = 0, head_dim = 0;
  float scale = 0;               // of q . k
  int window = 0;                // keys that a query sees, its own included; 0: all before it
  float soft_cap = 0;            // 0: none
  const float* sinks = nullptr;  // [heads], or none
  // L with L L^T = W_O^hᵀ W_O^h: [heads, head_dim, head_dim] row-major, lower triangular, or where the mma
  // kernel runs its fragments (factor_fragments()).
  const void* factors = nullptr;
  HeadRow* stats = nullptr;  // [rows, heads]; nullptr: not asked for
  // By AttendItem::column_run: where the sums of weights of a run begin, [heads, padded_positions()];
  // nullptr: not asked for. Added atomically, rounded to multiples of 2^-32, so that the order does not
  // matter.
  double* const* columns = nullptr;
  const int32_t* column_widths = nullptr;  // padded_positions() of each
  int* bad = nullptr;                      // 1 + head of a row that is not finite, once there is one
};

constexpr int64_t padded_positions(int64_t positions) { return (positions + 63) / 64 * 64; }

// Any head_dim up to 256; Element is float or Bf16. A part has kPairs (row, head) pairs, heads innermost.
inline constexpr int kPairs = 4;
template <typename Element>
void attend(const AttendArguments& arguments, int64_t items, Stream stream);
constexpr int64_t parts_of(int64_t rows, int group_size) { return (rows * group_size + kPairs - 1) / kPairs; }

// The same by the tensor cores, for bf16. Rows of queries, keys and values lie at multiples of 16 bytes:
// pointers, width, and a run's stride and offset of values (lies_for_mma()).
void attend_mma(const AttendArguments& arguments, int64_t items, Stream stream);
constexpr bool has_mma_attention(int head_dim) {
  return head_dim > 0 && head_dim <= 256 && head_dim % (head_dim <= 128 ? 16 : 32) == 0;
}
int64_t mma_parts_of(int64_t rows, int group_size, int head_dim);
// Shared memory of a block; a device that has less of it takes attend().
size_t mma_shared_bytes(int head_dim);
// AttendArguments::factors for it, of L [heads, head_dim, head_dim] row-major in float32.
std::vector<uint32_t> factor_fragments(const float* factors, int heads, int head_dim);

inline constexpr int kCopiedElements = 8;  // of bf16 at once, 16 bytes
inline bool lies_for_mma(const KeyRun& run) {
  return reinterpret_cast<uintptr_t>(run.rows) % 16 == 0 && run.stride % kCopiedElements == 0 &&
         run.values % kCopiedElements == 0;
}

}  // namespace idleheads::cuda
