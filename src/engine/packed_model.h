// A model's weights as the kernels want them, resident in memory.
#pragma once

#include <vector>

#include "base/thread_pool.h"
#include "engine/linear.h"
#include "model/model.h"

namespace idleheads {

struct PackedLayer {
  Linear qkv, output, gate_up, down;
  AlignedBuffer<float> attention_norm, mlp_norm, attention_post_norm, mlp_post_norm, query_norm, key_norm;
  AlignedBuffer<float> projection_factors;  // [heads, head_dim, padded_head_dim]: see projection_factor
};

// The LM head in pieces of the vocabulary, so that logits of all columns never exist at once.
struct PackedHead {
  AlignedBuffer<float> final_norm;
  std::vector<Linear> pieces;  // each kVocabularyPiece outputs, the last fewer
};
inline constexpr int64_t kVocabularyPiece = 4096;

struct PackedModel {
  std::vector<PackedLayer> layers;
  PackedHead head;

  int64_t bytes() const;
};

// Dequantises and packs everything, layers in parallel. Throws Error (linear.h, weights.h).
PackedModel pack_model(const Model& model, Precision precision, ThreadPool& pool);

}  // namespace idleheads
