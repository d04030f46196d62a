#include "cuda/device.h"
#include "cuda/scores.h"

namespace idleheads::cuda {
namespace {

constexpr int kRowsABlock = 4;
constexpr float kLowest = -3.402823466e38f;

// The largest of a row, of equal ones the first.
struct Largest {
  float value;
  int index;

  IH_DEVICE void take(float other, int at) {
    if (other > value || (other == value && at < index)) {
      value = other;
      index = at;
    }
  }
  IH_DEVICE void over_warp() {
    for (int mask = 16; mask > 0; mask /= 2) {
      const float other = __shfl_xor_sync(0xffffffffu, value, mask);
      const int at = __shfl_xor_sync(0xffffffffu, index, mask);
      take(other, at);
    }
  }
};

IH_DEVICE Largest largest_of(const float* logits, int64_t width, int lane) {
  Largest largest = {kLowest, 0x7fffffff};
  for (int64_t i = lane; i < width; i += 32) largest.take(logits[i], static_cast<int>(i));
  largest.over_warp();
  return largest;
}

IH_DEVICE void finish_logits(const ScoreArguments& a, float* logits, int lane) {
  for (int64_t i = lane; i < a.width; i += 32) {
    float x = logits[i] + (a.bias != nullptr ? a.bias[i] : 0.0f);
    if (a.multiplier != 1) x *= a.multiplier;
    if (a.soft_cap > 0) x = a.soft_cap * tanhf(x / a.soft_cap);
    logits[i] = x;
  }
}

__global__ void begin_kernel(ScoreState* states, int64_t rows) {
  const int64_t row = static_cast<int64_t>(blockIdx.x) * 32 + static_cast<int>(threadIdx.x);
  if (row < rows) states[row] = {kLowest, kLowest, kLowest, 0, 0, 0};
}

__global__ void piece_kernel(ScoreArguments a, int64_t rows) {
  const int64_t row = static_cast<int64_t>(blockIdx.x) * kRowsABlock + static_cast<int>(threadIdx.x) / 32;
  if (row >= rows) return;
  const int lane = static_cast<int>(threadIdx.x) % 32;
  float* logits = a.logits + row * a.width;
  finish_logits(a, logits, lane);
  __syncwarp();
  ScoreState state = a.states[row];
  const Largest largest = largest_of(logits, a.width, lane);
  const float maximum = fmaxf(state.maximum, largest.value);
  float sum = 0;
  for (int64_t i = lane; i < a.width; i += 32) sum += expf(logits[i] - maximum);
  state.sum =
      state.sum * static_cast<double>(expf(state.maximum - maximum)) + static_cast<double>(warp_sum(sum));
  state.maximum = maximum;
  if (largest.value > state.largest) {
    state.largest = largest.value;
    state.argmax = static_cast<int32_t>(a.first) + largest.index;
  }
  for (int64_t i = a.token_begins[row] + lane; i < a.token_begins[row + 1]; i += 32) {
    const int64_t column = a.tokens[i] - a.first;
    if (column >= 0 && column < a.width) a.token_logits[i] = logits[column];
  }
  if (a.kept[row] >= 0) {
    float* kept = a.kept_logits + a.kept[row] * a.vocabulary + a.first;
    for (int64_t i = lane; i < a.width; i += 32) kept[i] = logits[i];
  }
  __syncwarp();
  for (int64_t i = a.penalized_begins[row] + lane; i < a.penalized_begins[row + 1]; i += 32) {
    const int64_t column = a.penalized[i] - a.first;
    if (column < 0 || column >= a.width) continue;
    logits[column] = logits[column] < 0 ? logits[column] * a.penalty : logits[column] / a.penalty;
  }
  __syncwarp();
  const Largest penalized = largest_of(logits, a.width, lane);
  if (penalized.value > state.largest_penalized) {
    state.largest_penalized = penalized.value;
    state.next_token = static_cast<int32_t>(a.first) + penalized.index;
  }
  if (lane == 0) a.states[row] = state;
}

}  // namespace

void begin_scores(ScoreState* states, int64_t rows, Stream stream) {
  start(begin_kernel, (rows + 31) / 32, 32, 0, stream, states, rows);
}

void take_piece(const ScoreArguments& arguments, int64_t rows, Stream stream) {
  start(piece_kernel, (rows + kRowsABlock - 1) / kRowsABlock, kRowsABlock * 32, 0, stream, arguments, rows);
}

}  // namespace idleheads::cuda
