// Sums over rows of the head statistics, in the order of positions (engine/statistics.h).
#pragma once

#include <cstdint>

#include "cuda/attention.h"
#include "cuda/start.h"
#include "engine/backend.h"
#include "engine/statistics.h"

namespace idleheads::cuda {

// A run as sums see it.
struct SummedRun {
  int64_t first_row = 0, count = 0;
  int64_t begin = 0;    // position of its first row
  int32_t parent = -1;  // -1: continues what is in the sums already, zeros at position 0
};

struct SumArguments {
  const SummedRun* runs = nullptr;
  int heads = 0, kv_heads = 0;
  const HeadRow* rows = nullptr;       // [rows, heads]
  const float* value_norms = nullptr;  // [rows, kv_heads]
  HeadSums* head_sums = nullptr;       // [runs, heads]
  double* value_sums = nullptr;        // [runs, kv_heads]
  float* first_value_norms = nullptr;  // [runs, kv_heads]
  float* last_output_norms = nullptr;  // [runs, heads]
};

// Of runs `numbers` [count], whose parents are done. Each sum continues its parent's, row by row.
void sum_runs(const SumArguments& arguments, const int32_t* numbers, int64_t count, Stream stream);

// Adds the heads' outputs in rows of `qkv` [.., row_width] to sums [width], in units of OutputSums
// (heads/head_means.h); atomically, which has no order as these are integers.
template <typename Element>
void sum_outputs(const Element* qkv, int64_t row_width, int64_t width, const CountedRows* pieces,
                 int64_t count, int64_t* sums, Stream stream);

// The sums of weights of one run (AttendArguments::columns), continued from those before it.
struct ColumnRun {
  double* sums = nullptr;          // [heads, width]
  const double* before = nullptr;  // [heads, before_width]: of the parent or of a cache; nullptr: none
  int32_t width = 0, before_width = 0;
  int32_t positions = 0;  // that the run's last row sees
  int32_t number = 0;     // of the run, for `tops`
};
// Adds what came before and finds the largest: tops [runs, heads].
void close_columns(const ColumnRun* runs, int64_t count, int heads, TopWeight* tops, Stream stream);

}  // namespace idleheads::cuda
