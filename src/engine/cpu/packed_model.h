// A model's weights as the kernels want them, each layer compiled from its LayerSpec into what the tiles
// call: all in memory, or streamed from the file layer by layer.
#pragma once

#include <memory>
#include <vector>

#include "base/thread_pool.h"
#include "engine/cpu/linear.h"
#include "engine/cpu/mixture.h"
#include "engine/cpu/mlp.h"
#include "engine/cpu/norm.h"
#include "engine/weight_sequence.h"
#include "engine/weight_source.h"

namespace idleheads {

struct PackedLayer {
  AttentionSpec attention;
  Norm attention_norm, attention_post_norm, mlp_norm, mlp_post_norm;  // of rows of the residual stream
  Norm query_norm, key_norm;  // of all heads in a row, or of a head each, with a set of weights or one a head
  Linear qkv, output;         // none where the layer has no attention
  Mlp mlp;                    // or
  Mixture mixture;
  bool parallel = false;
  float residual_multiplier = 1;
  AlignedBuffer<float> sinks;               // [heads], or empty
  AlignedBuffer<float> projection_factors;  // [heads, head_dim, padded_head_dim]: see projection_factor
};

// The LM head in pieces of the vocabulary, so that logits of all columns never exist at once.
struct PackedHead {
  Norm final_norm;
  WeightSequence<Linear> pieces;  // each kVocabularyPiece outputs, the last fewer
  float multiplier = 1;           // of the logits
  float soft_cap = 0;             // ModelSpec::logit_soft_cap
};
inline constexpr int64_t kVocabularyPiece = 4096;

struct PackedModel {
  WeightSequence<PackedLayer> layers;
  PackedHead head;
  bool bf16_attention = false;  // AttentionTask::bf16
};

// Bytes of a model's packed weights.
struct WeightSizes {
  int64_t layer = 0;  // of the largest
  int64_t head_piece = 0;
  int64_t all = 0;       // every layer and the whole head
  int64_t streamed = 0;  // the most at a time when streamed: two layers and pieces, and what loading takes
};
WeightSizes weight_sizes(const ModelSpec& spec, Precision precision);

// `stream`: weights are read, dequantised and packed when they are needed, ahead in the background; else at
// once, layers in parallel. The source must outlive the result. Throws Error (linear.h, weights.h), streamed
// also when layers are asked for.
PackedModel pack_model(const WeightSource& weights, Precision precision, ThreadPool& pool, bool stream);

}  // namespace idleheads
