#include "cuda/device.h"
#include "cuda/sums.h"

namespace idleheads::cuda {
namespace {

constexpr unsigned kThreads = 128;

IH_DEVICE int64_t my_index() {
  return static_cast<int64_t>(blockIdx.x) * kThreads + static_cast<int>(threadIdx.x);
}

// A thread for each head and key/value head of a run. In double, one row after the other: where a sequence is
// cut does not matter.
__global__ void sum_kernel(SumArguments a, const int32_t* numbers, int64_t count) {
  const int64_t width = a.heads + a.kv_heads, index = my_index();
  if (index >= count * width) return;
  const int64_t number = numbers[index / width];
  const int h = static_cast<int>(index % width);
  const SummedRun run = a.runs[number];
  const int64_t end = run.first_row + run.count;
  if (h < a.heads) {
    HeadSums sum = a.head_sums[(run.parent >= 0 ? run.parent : number) * a.heads + h];
    float last = 0;
    for (int64_t row = run.first_row; row < end; ++row) {
      const HeadRow of_row = a.rows[row * a.heads + h];
      sum.first_weight += of_row.first_weight;
      sum.entropy += of_row.entropy;
      sum.output_norm += of_row.output_norm;
      sum.projected_norm += of_row.projected_norm;
      sum.sink_weight += of_row.sink_weight;
      last = of_row.output_norm;
    }
    a.head_sums[number * a.heads + h] = sum;
    a.last_output_norms[number * a.heads + h] = last;
    return;
  }
  const int g = h - a.heads;
  const int64_t own = number * a.kv_heads + g,
                before = (run.parent >= 0 ? run.parent : number) * a.kv_heads + g;
  double sum = a.value_sums[before];
  for (int64_t row = run.first_row; row < end; ++row) sum += a.value_norms[row * a.kv_heads + g];
  a.value_sums[own] = sum;
  a.first_value_norms[own] =
      run.begin == 0 ? a.value_norms[run.first_row * a.kv_heads + g] : a.first_value_norms[before];
}

// in_output_units() of the host.
IH_DEVICE int64_t output_units(float z) {
  return llrint(static_cast<double>(fminf(fmaxf(z, -kLargestOutput), kLargestOutput)) * kOutputUnits);
}

// A thread for each number of a row's outputs and piece of rows.
template <typename Element>
__global__ void output_kernel(const Element* qkv, int64_t row_width, int64_t width, const CountedRows* pieces,
                              int64_t count, int64_t* sums) {
  const int64_t index = my_index();
  if (index >= count * width) return;
  const CountedRows piece = pieces[index / width];
  const int64_t k = index % width;
  int64_t sum = 0;
  for (int64_t row = piece.first_row; row < piece.first_row + piece.count; ++row)
    sum += output_units(to_float(qkv[row * row_width + k]));
  atomicAdd(reinterpret_cast<unsigned long long*>(sums + k),
            static_cast<unsigned long long>(sum * piece.weight));
}

// A warp for each head of a run.
__global__ void close_kernel(const ColumnRun* runs, int64_t count, int heads, TopWeight* tops) {
  const int64_t index = my_index() / 32;
  if (index >= count * heads) return;
  const int lane = static_cast<int>(threadIdx.x) % 32, head = static_cast<int>(index % heads);
  const ColumnRun run = runs[index / heads];
  double* sums = run.sums + int64_t{head} * run.width;
  double best = -1;
  int place = 0;
  for (int p = lane; p < run.positions; p += 32) {
    if (run.before != nullptr && p < run.before_width)
      sums[p] += run.before[int64_t{head} * run.before_width + p];
    if (sums[p] > best) {
      best = sums[p];
      place = p;
    }
  }
  for (int mask = 16; mask > 0; mask /= 2) {
    const double other = __shfl_xor_sync(0xffffffffu, best, mask);
    const int at = __shfl_xor_sync(0xffffffffu, place, mask);
    if (other > best || (other == best && at < place)) {
      best = other;
      place = at;
    }
  }
  if (lane == 0) tops[int64_t{run.number} * heads + head] = {best, place};
}

int64_t blocks_of(int64_t threads) { return (threads + kThreads - 1) / kThreads; }

}  // namespace

void sum_runs(const SumArguments& arguments, const int32_t* numbers, int64_t count, Stream stream) {
  const int64_t threads = count * (arguments.heads + arguments.kv_heads);
  start(sum_kernel, blocks_of(threads), kThreads, 0, stream, arguments, numbers, count);
}

template <typename Element>
void sum_outputs(const Element* qkv, int64_t row_width, int64_t width, const CountedRows* pieces,
                 int64_t count, int64_t* sums, Stream stream) {
  start(output_kernel<Element>, blocks_of(count * width), kThreads, 0, stream, qkv, row_width, width, pieces,
        count, sums);
}
template void sum_outputs<float>(const float*, int64_t, int64_t, const CountedRows*, int64_t, int64_t*,
                                 Stream);
template void sum_outputs<Bf16>(const Bf16*, int64_t, int64_t, const CountedRows*, int64_t, int64_t*, Stream);

void close_columns(const ColumnRun* runs, int64_t count, int heads, TopWeight* tops, Stream stream) {
  start(close_kernel, blocks_of(count * heads * 32), kThreads, 0, stream, runs, count, heads, tops);
}

}  // namespace idleheads::cuda
