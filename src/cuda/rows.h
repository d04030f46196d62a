// Arithmetic of rows around the matrix products, a warp a row. x and y are [rows, width], row-major, on the
// device. Element (float or Bf16) is what products take; everything else is float32.
#pragma once

#include <cstdint>

#include "cuda/device_types.h"
#include "cuda/start.h"
#include "engine/backend.h"
#include "idleheads/model/spec.h"

namespace idleheads::cuda {

// A norm with its weights on the device; absent ones are nullptr.
struct Norm {
  NormSpec::Kind kind = NormSpec::Kind::none;
  float epsilon = 0;
  const float* weight = nullptr;
  const float* bias = nullptr;
};

// hidden [rows, width] = decoded x multiplier, plus the embedding of the row's position if there are any.
struct EmbedArguments {
  const float* decoded = nullptr;  // [rows, width]
  float multiplier = 1;
  const float* of_positions = nullptr;  // [context, width], or none
  const int32_t* positions = nullptr;   // [rows]
};
void embed_rows(const EmbedArguments& arguments, int64_t width, int64_t rows, float* hidden, Stream stream);

// y = norm(x); also as float32 in y32 unless that is nullptr.
template <typename Element>
void norm_rows(const float* x, const Norm& norm, int64_t width, int64_t rows, Element* y, float* y32,
               Stream stream);

// Cosines and sines of a rope, [positions, half].
struct RopeTable {
  const float* cosines = nullptr;
  const float* sines = nullptr;
};

// What follows the product of Q, K and V: biases, norms, clamp, RoPE, norms of values.
struct QkvArguments {
  float* products = nullptr;    // [rows, width], overwritten
  const float* bias = nullptr;  // [width], or none
  int heads = 0, kv_heads = 0, head_dim = 0;
  Norm query_norm, key_norm;
  bool norm_over_row = false;  // else over each head
  int64_t norm_stride = 0;     // between the weights of two heads; 0: heads share them
  float clip = 0;
  int half = 0;                        // rotated elements / 2; 0: no RoPE
  const RopeTable* tables = nullptr;   // those of the layer's rope
  const int32_t* table_of = nullptr;   // [rows]: which; nullptr: the first
  const int32_t* positions = nullptr;  // [rows]
  float* value_norms = nullptr;        // [rows, kv_heads], or not asked for
};
template <typename Element>
void finish_qkv(const QkvArguments& arguments, int64_t rows, Element* qkv, Stream stream);

// y [rows, heads x head_dim]: the outputs of heads in `qkv` [.., width]; the mean or zero where a byte of
// `masks` is set.
struct GatherArguments {
  const void* qkv = nullptr;  // of Element
  int64_t width = 0;
  int heads = 0, head_dim = 0;
  const RowSource* sources = nullptr;  // [rows]
  const uint8_t* masks = nullptr;      // [masks, heads]
  const float* means = nullptr;        // [heads, head_dim], or none: zeros
};
template <typename Element>
void gather_heads(const GatherArguments& arguments, int64_t rows, Element* y, Stream stream);

// next = hidden of the source + multiplier x post_norm(product + bias), and the MLP's input: mlp_norm of
// next, or of hidden where the two are parallel.
struct ResidualArguments {
  float* product = nullptr;     // [rows, width], overwritten
  const float* bias = nullptr;  // [width], or none
  Norm post_norm;
  float multiplier = 1;
  const float* hidden = nullptr;       // [.., width]
  const RowSource* sources = nullptr;  // [rows]
  float* next = nullptr;               // [rows, width]
  Norm mlp_norm;
  bool parallel = false;
  float* input32 = nullptr;  // the MLP's input in float32 too, or not asked for
};
template <typename Element>
void after_attention(const ResidualArguments& arguments, int64_t width, int64_t rows, Element* input,
                     Stream stream);

// next += multiplier x post_norm(product + bias). `bad` becomes 1 where the sum is not finite.
void after_mlp(const ResidualArguments& arguments, int64_t width, int64_t rows, int* bad, Stream stream);

// y [rows, width] = activation(gate) x up, or activation(up); x [rows, 2 width or width] with its bias.
template <typename Element>
void activate(const MlpSpec& mlp, const Element* x, const float* bias, int64_t rows, Element* y,
              Stream stream);

// y[i] = x[rows[i]], or to[rows[i]] = from[i].
template <typename T>
void gather_rows(const T* x, const int64_t* rows, int64_t width, int64_t count, T* y, Stream stream);

// y[places[i]] = (x[i] + bias) x weights[i] for expert outputs x [count, width].
void scatter_weighted(const float* x, const float* bias, const int64_t* places, const float* weights,
                      int64_t width, int64_t count, float* y, Stream stream);
// y[r] = the sum of x[r * chosen + c] over c, in order.
void sum_chosen(const float* x, int64_t chosen, int64_t width, int64_t rows, float* y, Stream stream);

}  // namespace idleheads::cuda
