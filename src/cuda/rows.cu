#include "cuda/device.h"
#include "cuda/rows.h"

namespace idleheads::cuda {
namespace {

constexpr int kRowsABlock = 4;

// The row of this warp.
IH_DEVICE int64_t my_row() {
  return static_cast<int64_t>(blockIdx.x) * kRowsABlock + static_cast<int>(threadIdx.x) / 32;
}
IH_DEVICE int my_lane() { return static_cast<int>(threadIdx.x) % 32; }

template <typename... Parameters, typename... Arguments>
void start_rows(void (*kernel)(Parameters...), int64_t rows, Stream stream, Arguments... arguments) {
  start(kernel, (rows + kRowsABlock - 1) / kRowsABlock, kRowsABlock * 32, 0, stream, arguments...);
}

// What a row is multiplied by and what is taken off first; the lanes' own elements are those that they wrote.
struct Scaling {
  float mean, factor;
};
IH_DEVICE Scaling scaling_of(const Norm& norm, const float* x, int64_t count) {
  const int lane = my_lane();
  float mean = 0;
  if (norm.kind == NormSpec::Kind::layer) {
    for (int64_t i = lane; i < count; i += 32) mean += x[i];
    mean = warp_sum(mean) / static_cast<float>(count);
  }
  float squares = 0;
  for (int64_t i = lane; i < count; i += 32) squares = fmaf(x[i] - mean, x[i] - mean, squares);
  return {mean, 1.0f / sqrtf(warp_sum(squares) / static_cast<float>(count) + norm.epsilon)};
}

IH_DEVICE float normed(const Norm& norm, const Scaling& scaling, float x, int64_t i) {
  const float y = (x - scaling.mean) * scaling.factor * (norm.weight != nullptr ? norm.weight[i] : 1.0f);
  return norm.bias != nullptr ? y + norm.bias[i] : y;
}

// In place.
IH_DEVICE void apply(const Norm& norm, float* x, int64_t count) {
  if (norm.kind == NormSpec::Kind::none) return;
  const Scaling scaling = scaling_of(norm, x, count);
  for (int64_t i = my_lane(); i < count; i += 32) x[i] = normed(norm, scaling, x[i], i);
}

template <typename Element>
IH_DEVICE void write_normed(const Norm& norm, const float* x, int64_t count, Element* y, float* y32) {
  const bool is_there = norm.kind != NormSpec::Kind::none;
  const Scaling scaling = is_there ? scaling_of(norm, x, count) : Scaling{0, 1};
  for (int64_t i = my_lane(); i < count; i += 32) {
    const float value = is_there ? normed(norm, scaling, x[i], i) : x[i];
    y[i] = from_float<Element>(value);
    if (y32 != nullptr) y32[i] = value;
  }
}

template <typename Element>
__global__ void norm_kernel(const float* x, Norm norm, int64_t width, int64_t rows, Element* y, float* y32) {
  const int64_t row = my_row();
  if (row >= rows) return;
  write_normed(norm, x + row * width, width, y + row * width, y32 != nullptr ? y32 + row * width : nullptr);
}

IH_DEVICE void norm_heads(const QkvArguments& a, const Norm& norm, float* x, int heads) {
  if (a.norm_over_row) return apply(norm, x, int64_t{heads} * a.head_dim);
  Norm of_head = norm;
  for (int h = 0; h < heads; ++h) {
    apply(of_head, x + h * a.head_dim, a.head_dim);
    if (of_head.weight != nullptr) of_head.weight += a.norm_stride;
    if (of_head.bias != nullptr) of_head.bias += a.norm_stride;
  }
}

IH_DEVICE void turn_heads(const QkvArguments& a, int64_t row, float* x) {
  const RopeTable table = a.tables[a.table_of != nullptr ? a.table_of[row] : 0];
  const float* cosines = table.cosines + int64_t{a.positions[row]} * a.half;
  const float* sines = table.sines + int64_t{a.positions[row]} * a.half;
  for (int h = 0; h < a.heads + a.kv_heads; ++h) {
    float* head = x + h * a.head_dim;
    for (int i = my_lane(); i < a.half; i += 32) {
      const float left = head[i], right = head[a.half + i];
      head[i] = left * cosines[i] - right * sines[i];
      head[a.half + i] = right * cosines[i] + left * sines[i];
    }
  }
}

template <typename Element>
__global__ void qkv_kernel(QkvArguments a, int64_t rows, Element* qkv) {
  const int64_t row = my_row(), width = int64_t{a.heads + 2 * a.kv_heads} * a.head_dim;
  if (row >= rows) return;
  float* x = a.products + row * width;
  float* keys = x + a.heads * a.head_dim;
  float* values = keys + a.kv_heads * a.head_dim;
  for (int64_t i = my_lane(); i < width && a.bias != nullptr; i += 32) x[i] += a.bias[i];
  __syncwarp();
  norm_heads(a, a.query_norm, x, a.heads);
  norm_heads(a, a.key_norm, keys, a.kv_heads);
  __syncwarp();
  for (int64_t i = my_lane(); i < width && a.clip > 0; i += 32) x[i] = fminf(fmaxf(x[i], -a.clip), a.clip);
  __syncwarp();
  if (a.half > 0) turn_heads(a, row, x);
  __syncwarp();
  for (int h = 0; h < a.kv_heads && a.value_norms != nullptr; ++h) {
    float squares = 0;
    for (int i = my_lane(); i < a.head_dim; i += 32)
      squares = fmaf(values[h * a.head_dim + i], values[h * a.head_dim + i], squares);
    squares = warp_sum(squares);
    if (my_lane() == 0) a.value_norms[row * a.kv_heads + h] = sqrtf(squares);
  }
  for (int64_t i = my_lane(); i < width; i += 32) qkv[row * width + i] = from_float<Element>(x[i]);
}

template <typename Element>
__global__ void gather_heads_kernel(GatherArguments a, int64_t rows, Element* y) {
  const int64_t row = my_row(), width = int64_t{a.heads} * a.head_dim;
  if (row >= rows) return;
  const RowSource source = a.sources[row];
  const Element* from = static_cast<const Element*>(a.qkv) + source.row * a.width;
  const uint8_t* off = a.masks + int64_t{source.mask} * a.heads;
  for (int64_t i = my_lane(); i < width; i += 32) {
    const float instead = a.means != nullptr ? a.means[i] : 0.0f;
    y[row * width + i] = off[i / a.head_dim] != 0 ? from_float<Element>(instead) : from[i];
  }
}

// multiplier x post_norm(product + bias), in the product's place.
IH_DEVICE void finish_sum(const ResidualArguments& a, float* sum, int64_t width) {
  for (int64_t i = my_lane(); i < width && a.bias != nullptr; i += 32) sum[i] += a.bias[i];
  apply(a.post_norm, sum, width);
  for (int64_t i = my_lane(); i < width && a.multiplier != 1; i += 32) sum[i] *= a.multiplier;
}

template <typename Element>
__global__ void after_attention_kernel(ResidualArguments a, int64_t width, int64_t rows, Element* input) {
  const int64_t row = my_row();
  if (row >= rows) return;
  float* sum = a.product + row * width;
  finish_sum(a, sum, width);
  const float* before = a.hidden + a.sources[row].row * width;
  float* after = a.next + row * width;
  for (int64_t i = my_lane(); i < width; i += 32) after[i] = before[i] + sum[i];
  write_normed(a.mlp_norm, a.parallel ? before : after, width, input + row * width,
               a.input32 != nullptr ? a.input32 + row * width : nullptr);
}

__global__ void after_mlp_kernel(ResidualArguments a, int64_t width, int64_t rows, int* bad) {
  const int64_t row = my_row();
  if (row >= rows) return;
  float* sum = a.product + row * width;
  finish_sum(a, sum, width);
  float* after = a.next + row * width;
  int is_bad = 0;
  for (int64_t i = my_lane(); i < width; i += 32) {
    after[i] += sum[i];
    is_bad |= !(fabsf(after[i]) < 3e38f);
  }
  if (__any_sync(0xffffffffu, is_bad) != 0 && my_lane() == 0) atomicMax(bad, 1);
}

IH_DEVICE float activated(Activation activation, float gate, float up) {
  switch (activation) {
    case Activation::silu:
      return gate / (1.0f + expf(-gate)) * up;
    case Activation::gelu:
      return 0.5f * gate * (1.0f + erff(gate * 0.70710678f)) * up;
    case Activation::gelu_tanh: {
      const float inner = 0.79788456f * fmaf(0.044715f * gate * gate, gate, gate);
      return 0.5f * gate * (1.0f + tanhf(inner)) * up;
    }
    case Activation::clamped_silu: {
      // Not fminf, which makes a number of NaN.
      const float low = gate > 7.0f ? 7.0f : gate, between = up > 7.0f ? 7.0f : up < -7.0f ? -7.0f : up;
      return low / (1.0f + expf(-1.702f * low)) * (between + 1.0f);
    }
  }
  return 0;
}

template <typename Element>
__global__ void activate_kernel(Activation activation, bool gated, int64_t width, const Element* x,
                                const float* bias, int64_t rows, Element* y) {
  const int64_t row = my_row(), from = (gated ? 2 : 1) * width;
  if (row >= rows) return;
  const auto at = [&](int64_t i) { return to_float(x[row * from + i]) + (bias != nullptr ? bias[i] : 0.0f); };
  for (int64_t i = my_lane(); i < width; i += 32)
    y[row * width + i] = from_float<Element>(activated(activation, at(i), gated ? at(width + i) : 1.0f));
}

__global__ void embed_kernel(EmbedArguments e, int64_t width, int64_t rows, float* hidden) {
  const int64_t row = my_row();
  if (row >= rows) return;
  const float* added = e.of_positions != nullptr ? e.of_positions + e.positions[row] * width : nullptr;
  for (int64_t i = my_lane(); i < width; i += 32) {
    const float x = e.decoded[row * width + i] * e.multiplier;
    hidden[row * width + i] = added != nullptr ? x + added[i] : x;
  }
}

template <typename T>
__global__ void gather_rows_kernel(const T* x, const int64_t* rows, int64_t width, int64_t count, T* y) {
  const int64_t row = my_row();
  if (row >= count) return;
  for (int64_t i = my_lane(); i < width; i += 32) y[row * width + i] = x[rows[row] * width + i];
}

__global__ void scatter_kernel(const float* x, const float* bias, const int64_t* places, const float* weights,
                               int64_t width, int64_t count, float* y) {
  const int64_t row = my_row();
  if (row >= count) return;
  for (int64_t i = my_lane(); i < width; i += 32)
    y[places[row] * width + i] = (x[row * width + i] + (bias != nullptr ? bias[i] : 0.0f)) * weights[row];
}

__global__ void sum_chosen_kernel(const float* x, int64_t chosen, int64_t width, int64_t rows, float* y) {
  const int64_t row = my_row();
  if (row >= rows) return;
  for (int64_t i = my_lane(); i < width; i += 32) {
    float sum = x[row * chosen * width + i];
    for (int64_t c = 1; c < chosen; ++c) sum += x[(row * chosen + c) * width + i];
    y[row * width + i] = sum;
  }
}

}  // namespace

void embed_rows(const EmbedArguments& arguments, int64_t width, int64_t rows, float* hidden, Stream stream) {
  start_rows(embed_kernel, rows, stream, arguments, width, rows, hidden);
}

template <typename Element>
void norm_rows(const float* x, const Norm& norm, int64_t width, int64_t rows, Element* y, float* y32,
               Stream stream) {
  start_rows(norm_kernel<Element>, rows, stream, x, norm, width, rows, y, y32);
}

template <typename Element>
void finish_qkv(const QkvArguments& arguments, int64_t rows, Element* qkv, Stream stream) {
  start_rows(qkv_kernel<Element>, rows, stream, arguments, rows, qkv);
}

template <typename Element>
void gather_heads(const GatherArguments& arguments, int64_t rows, Element* y, Stream stream) {
  start_rows(gather_heads_kernel<Element>, rows, stream, arguments, rows, y);
}

template <typename Element>
void after_attention(const ResidualArguments& arguments, int64_t width, int64_t rows, Element* input,
                     Stream stream) {
  start_rows(after_attention_kernel<Element>, rows, stream, arguments, width, rows, input);
}

void after_mlp(const ResidualArguments& arguments, int64_t width, int64_t rows, int* bad, Stream stream) {
  start_rows(after_mlp_kernel, rows, stream, arguments, width, rows, bad);
}

template <typename Element>
void activate(const MlpSpec& mlp, const Element* x, const float* bias, int64_t rows, Element* y,
              Stream stream) {
  start_rows(activate_kernel<Element>, rows, stream, mlp.activation, mlp.gated, int64_t{mlp.width}, x, bias,
             rows, y);
}

template <typename T>
void gather_rows(const T* x, const int64_t* rows, int64_t width, int64_t count, T* y, Stream stream) {
  start_rows(gather_rows_kernel<T>, count, stream, x, rows, width, count, y);
}

void scatter_weighted(const float* x, const float* bias, const int64_t* places, const float* weights,
                      int64_t width, int64_t count, float* y, Stream stream) {
  start_rows(scatter_kernel, count, stream, x, bias, places, weights, width, count, y);
}

void sum_chosen(const float* x, int64_t chosen, int64_t width, int64_t rows, float* y, Stream stream) {
  start_rows(sum_chosen_kernel, rows, stream, x, chosen, width, rows, y);
}

template void norm_rows<float>(const float*, const Norm&, int64_t, int64_t, float*, float*, Stream);
template void finish_qkv<float>(const QkvArguments&, int64_t, float*, Stream);
template void gather_heads<float>(const GatherArguments&, int64_t, float*, Stream);
template void after_attention<float>(const ResidualArguments&, int64_t, int64_t, float*, Stream);
template void activate<float>(const MlpSpec&, const float*, const float*, int64_t, float*, Stream);
template void gather_rows<float>(const float*, const int64_t*, int64_t, int64_t, float*, Stream);

template void norm_rows<Bf16>(const float*, const Norm&, int64_t, int64_t, Bf16*, float*, Stream);
template void finish_qkv<Bf16>(const QkvArguments&, int64_t, Bf16*, Stream);
template void gather_heads<Bf16>(const GatherArguments&, int64_t, Bf16*, Stream);
template void after_attention<Bf16>(const ResidualArguments&, int64_t, int64_t, Bf16*, Stream);
template void activate<Bf16>(const MlpSpec&, const Bf16*, const float*, int64_t, Bf16*, Stream);
template void gather_rows<Bf16>(const Bf16*, const int64_t*, int64_t, int64_t, Bf16*, Stream);

}  // namespace idleheads::cuda
