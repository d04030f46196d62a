#include "engine/packed_model.h"

#include <algorithm>

#include "base/error.h"
#include "engine/attention.h"
#include "engine/ops.h"

namespace idleheads {
namespace {

// Weights that are not numbers would show up as NaN scores of every sample; say so at once, with the place.
void check_finite(const AlignedBuffer<float>& values, int layer, std::string_view what) {
  if (!all_finite(values.data(), values.size()))
    fail("layer {}: the {} weights hold NaN or infinity", layer, what);
}

PackedLayer pack_layer(const Model& model, int index, Precision precision) {
  const ModelConfig& c = model.config();
  LayerWeights w = model.weights().layer(index);
  check_finite(w.qkv, index, "attention input");
  check_finite(w.output, index, "attention output");
  check_finite(w.gate_up, index, "MLP gate and up");
  check_finite(w.down, index, "MLP down");
  PackedLayer packed;
  packed.qkv = Linear(w.qkv.span(), c.qkv_width(), c.hidden, precision, w.qkv_bias.span());
  packed.output = Linear(w.output.span(), c.hidden, c.query_width(), precision, w.output_bias.span());
  packed.gate_up = Linear(w.gate_up.span(), 2 * c.intermediate, c.hidden, precision, w.gate_up_bias.span());
  packed.down = Linear(w.down.span(), c.hidden, c.intermediate, precision, w.down_bias.span());
  const int64_t factor_size = c.head_dim * padded_head_dim(c.head_dim);
  packed.projection_factors.resize(c.heads * factor_size);
  for (int h = 0; h < c.heads; ++h) {
    projection_factor(w.output.data() + h * c.head_dim, c.hidden, c.query_width(), c.head_dim,
                      packed.projection_factors.data() + h * factor_size);
  }
  packed.attention_norm = std::move(w.attention_norm);
  packed.mlp_norm = std::move(w.mlp_norm);
  packed.attention_post_norm = std::move(w.attention_post_norm);
  packed.mlp_post_norm = std::move(w.mlp_post_norm);
  packed.query_norm = std::move(w.query_norm);
  packed.key_norm = std::move(w.key_norm);
  return packed;
}

PackedHead pack_head(const Model& model, Precision precision, ThreadPool& pool) {
  const ModelConfig& c = model.config();
  PackedHead head;
  head.final_norm = model.weights().final_norm();
  const AlignedBuffer<float> matrix = model.weights().lm_head();
  if (!all_finite(matrix.data(), matrix.size())) fail("the LM head's weights hold NaN or infinity");
  const int64_t pieces = (c.vocabulary + kVocabularyPiece - 1) / kVocabularyPiece;
  head.pieces.resize(static_cast<size_t>(pieces));
  pool.parallel_for(pieces, [&](int64_t i, int) {
    const int64_t first = i * kVocabularyPiece;
    const int64_t count = std::min(kVocabularyPiece, c.vocabulary - first);
    head.pieces[static_cast<size_t>(i)] = Linear(
        matrix.span().subspan(static_cast<size_t>(first * c.hidden), static_cast<size_t>(count * c.hidden)),
        count, c.hidden, precision);
  });
  return head;
}

}  // namespace

int64_t PackedModel::bytes() const {
  int64_t total = 0;
  for (const PackedLayer& layer : layers) {
    total += layer.qkv.bytes() + layer.output.bytes() + layer.gate_up.bytes() + layer.down.bytes() +
             layer.projection_factors.size() * static_cast<int64_t>(sizeof(float));
  }
  for (const Linear& piece : head.pieces) total += piece.bytes();
  return total;
}

PackedModel pack_model(const Model& model, Precision precision, ThreadPool& pool) {
  PackedModel packed;
  packed.layers.resize(static_cast<size_t>(model.config().layers));
  pool.parallel_for(model.config().layers, [&](int64_t i, int) {
    packed.layers[static_cast<size_t>(i)] = pack_layer(model, static_cast<int>(i), precision);
  });
  packed.head = pack_head(model, precision, pool);
  return packed;
}

}  // namespace idleheads
