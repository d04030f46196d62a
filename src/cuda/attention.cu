// Attention for any head_dim and both element types: a warp for each (row, head) pair, keys in tiles of 32.
// Exact and simple; where has_mma_attention() is true and elements are bf16, attention_mma.cu is faster.
//
// A row's numbers depend on its own keys alone: tiles begin at multiples of 32 positions however the tree is
// cut.
#include "cuda/attention.h"
#include "cuda/device.h"

namespace idleheads::cuda {
namespace {

constexpr int kTile = 32;        // keys: one a lane
constexpr int kMostPerLane = 8;  // elements of z a lane holds
constexpr float kNone = -1e30f;  // below every score; its exponential is 0, times 0 still a number

// Walks over the keys of a sequence in ascending order of positions.
template <typename Element>
struct Cursor {
  const KeyRun* run;
  int64_t before = 0;  // position of the run's first key

  IH_DEVICE const Element* key(int64_t position) {
    while (position >= before + run->count) before += run++->count;
    return static_cast<const Element*>(run->rows) + (position - before) * run->stride;
  }
};

// The score of a lane's key, or kNone.
template <typename Element>
IH_DEVICE float score_of(const AttendArguments& a, const float* query, const Element* key, bool seen) {
  float dot = 0;
  for (int i = 0; i < a.head_dim && seen; ++i) dot = fmaf(query[i], to_float(key[i]), dot);
  float score = dot * a.scale;
  if (a.soft_cap > 0) score = a.soft_cap * tanhf(score / a.soft_cap);
  return seen ? score : kNone;
}

// |z L| of a row, L lower triangular.
IH_DEVICE float projected_norm(const float* z, const float* factor, int dim, int lane) {
  float sum = 0;
  for (int j = lane; j < dim; j += kTile) {
    float y = 0;
    for (int k = j; k < dim; ++k) y = fmaf(z[k], factor[k * dim + j], y);
    sum = fmaf(y, y, sum);
  }
  return sqrtf(warp_sum(sum));
}

// Sums of exponentials of scores less the maximum, and of their products with that difference.
struct Softmax {
  float maximum, sum = 0, weighted = 0;

  // Takes one more score of each lane; what earlier outputs are to be multiplied by. `weight` is its
  // exponential.
  IH_DEVICE float take(float score, float& weight) {
    const float higher = fmaxf(maximum, warp_max(score)), shift = maximum - higher, factor = expf(shift);
    const float difference = score - higher;
    weight = score == kNone ? 0.0f : expf(difference);
    weighted = factor * fmaf(shift, sum, weighted) + weight * difference;
    sum = fmaf(factor, sum, weight);
    maximum = higher;
    return factor;
  }
};

template <typename Element>
__global__ void attend_rows(AttendArguments a) {
  const AttendItem item = a.items[blockIdx.x];
  const int lane = static_cast<int>(threadIdx.x) % 32, warp = static_cast<int>(threadIdx.x) / 32;
  const int dim = a.head_dim, group_size = a.heads / a.kv_heads;
  const int pair = item.part * kPairs + warp, row = pair / group_size;
  if (row >= item.count) return;
  const int head = item.group * group_size + pair % group_size;
  Element* place = static_cast<Element*>(a.queries) + (item.first_row + row) * a.width + int64_t{head} * dim;
  float* query = shared_memory<float>() + 2 * warp * dim;
  float* output = query + dim;
  for (int i = lane; i < dim; i += 32) query[i] = to_float(place[i]);
  __syncwarp();

  const int64_t position = item.first + row;
  const int64_t begin = a.window > 0 && position + 1 > a.window ? position + 1 - a.window : 0;
  const int64_t column = int64_t{item.group} * dim;
  Softmax softmax = {a.sinks != nullptr ? a.sinks[head] : kNone};
  float z[kMostPerLane] = {};
  float first_score = kNone;
  Cursor<Element> cursor = {a.keys + item.keys};
  for (int64_t tile = begin / kTile * kTile; tile <= position; tile += kTile) {
    const int64_t mine = tile + lane;
    const bool seen = mine >= begin && mine <= position;
    const Element* key = seen ? cursor.key(mine) + column : nullptr;
    const Element* value = seen ? key + cursor.run->values : nullptr;
    const float score = score_of(a, query, key, seen);
    if (mine == 0) first_score = score;
    float weight;
    const float factor = softmax.take(score, weight);
    for (float& x : z) x *= factor;
    for (int k = 0; k < kTile; ++k) {
      const float of_key = __shfl_sync(0xffffffffu, weight, k);
      const auto address = __shfl_sync(0xffffffffu, reinterpret_cast<unsigned long long>(value), k);
      if (address == 0) continue;
      const auto* from = reinterpret_cast<const Element*>(address);
      for (int n = 0; n < kMostPerLane; ++n) {
        if (lane + 32 * n < dim) z[n] = fmaf(of_key, to_float(from[lane + 32 * n]), z[n]);
      }
    }
  }
  const float sum = warp_sum(softmax.sum), weighted = warp_sum(softmax.weighted);
  const float own = a.sinks != nullptr ? expf(a.sinks[head] - softmax.maximum) : 0.0f, all = sum + own;
  float squares = 0;
  for (int n = 0; n < kMostPerLane; ++n) {
    if (lane + 32 * n >= dim) continue;
    const float x = z[n] / all;
    squares = fmaf(x, x, squares);
    output[lane + 32 * n] = x;
    place[lane + 32 * n] = from_float<Element>(x);
  }
  __syncwarp();
  const float norm = sqrtf(warp_sum(squares)), entropy = (sum * logf(all) - weighted) / all;
  float projected = 0;
  if (a.stats != nullptr) {
    const auto* factors = static_cast<const float*>(a.factors) + int64_t{head} * dim * dim;
    projected = projected_norm(output, factors, dim, lane);
  }
  if (lane == 0) {
    const float first_weight = begin == 0 ? expf(first_score - softmax.maximum) / all : 0.0f;
    // Not fmaxf, which makes 0 of NaN.
    const HeadRow stats = {first_weight, entropy < 0 ? 0.0f : entropy, norm, projected, own / all};
    if (a.stats != nullptr) a.stats[(item.first_row + row) * a.heads + head] = stats;
    if (!(entropy + norm + projected < 1e38f)) atomicMax(a.bad, 1 + head);
  }
  if (a.columns == nullptr) return;
  double* columns = a.columns[item.column_run] + int64_t{head} * a.column_widths[item.column_run];
  cursor = {a.keys + item.keys};
  for (int64_t mine = begin / kTile * kTile + lane; mine <= position; mine += kTile) {
    if (mine < begin) continue;
    const float score = score_of(a, query, cursor.key(mine) + column, true);
    atomicAdd(columns + mine, rounded_weight(expf(score - softmax.maximum) / all));
  }
}

}  // namespace

template <typename Element>
void attend(const AttendArguments& arguments, int64_t items, Stream stream) {
  const size_t shared = size_t{2 * kPairs} * static_cast<size_t>(arguments.head_dim) * sizeof(float);
  start(attend_rows<Element>, items, kPairs * 32, shared, stream, arguments);
}

template void attend<float>(const AttendArguments&, int64_t, Stream);
template void attend<Bf16>(const AttendArguments&, int64_t, Stream);

}  // namespace idleheads::cuda
