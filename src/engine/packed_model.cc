#include "engine/packed_model.h"

#include <algorithm>

#include "base/error.h"
#include "engine/attention.h"
#include "engine/ops.h"

namespace idleheads {
namespace {

// Weights that are not numbers would show up as NaN scores of every sample; say so at once, with the place.
AlignedBuffer<float> read_matrix(const Model& model, LayerMatrix which, int layer, std::string_view name) {
  AlignedBuffer<float> matrix = model.weights().matrix(which, layer);
  if (!all_finite(matrix.data(), matrix.size()))
    fail("layer {}: the {} weights hold NaN or infinity", layer, name);
  return matrix;
}

AlignedBuffer<float> projection_factors(const ModelConfig& c, const AlignedBuffer<float>& output) {
  const int64_t size = c.head_dim * padded_head_dim(c.head_dim);
  AlignedBuffer<float> factors(c.heads * size);
  for (int h = 0; h < c.heads; ++h) {
    projection_factor(output.data() + h * c.head_dim, c.hidden, c.query_width(), c.head_dim,
                      factors.data() + h * size);
  }
  return factors;
}

// One matrix after the other: while streaming, a layer in float32 would need as much memory as several
// packed ones.
PackedLayer pack_layer(const Model& model, int index, Precision precision) {
  const ModelConfig& c = model.config();
  PackedLayer packed;
  packed.vectors = model.weights().vectors(index);
  const auto pack = [&](LayerMatrix which, std::string_view name, int64_t outputs, int64_t inputs,
                        const AlignedBuffer<float>& bias) {
    const AlignedBuffer<float> matrix = read_matrix(model, which, index, name);
    if (which == LayerMatrix::output) packed.projection_factors = projection_factors(c, matrix);
    return Linear(matrix.span(), outputs, inputs, precision, bias.span());
  };
  const LayerVectors& v = packed.vectors;
  packed.qkv = pack(LayerMatrix::qkv, "attention input", c.qkv_width(), c.hidden, v.qkv_bias);
  packed.output = pack(LayerMatrix::output, "attention output", c.hidden, c.query_width(), v.output_bias);
  packed.gate_up =
      pack(LayerMatrix::gate_up, "MLP gate and up", 2 * c.intermediate, c.hidden, v.gate_up_bias);
  packed.down = pack(LayerMatrix::down, "MLP down", c.hidden, c.intermediate, v.down_bias);
  return packed;
}

Linear pack_head_piece(const Model& model, int64_t index, Precision precision) {
  const ModelConfig& c = model.config();
  const int64_t first = index * kVocabularyPiece;
  const int64_t count = std::min<int64_t>(kVocabularyPiece, c.vocabulary - first);
  const AlignedBuffer<float> matrix = model.weights().lm_head(first, count);
  if (!all_finite(matrix.data(), matrix.size())) fail("the LM head's weights hold NaN or infinity");
  return Linear(matrix.span(), count, c.hidden, precision);
}

template <typename T>
WeightSequence<T> sequence(int64_t count, ThreadPool& pool, bool stream, std::function<T(int64_t)> load) {
  return stream ? WeightSequence<T>::streamed(count, std::move(load))
                : WeightSequence<T>::resident(count, pool, load);
}

}  // namespace

WeightSizes weight_sizes(const ModelConfig& c, Precision precision) {
  const int64_t bytes = precision == Precision::bf16 ? 2 : 4, hidden = c.hidden;
  const int64_t gate_up = 2 * hidden * c.intermediate;
  const int64_t weights = hidden * c.qkv_width() + hidden * c.query_width() + gate_up / 2 * 3;
  const int64_t factors = c.heads * int64_t{c.head_dim} * padded_head_dim(c.head_dim);
  const int64_t pieces = (c.vocabulary + kVocabularyPiece - 1) / kVocabularyPiece;
  constexpr auto kFloat = static_cast<int64_t>(sizeof(float));
  WeightSizes sizes;
  sizes.layer = weights * bytes + factors * kFloat;
  const int64_t piece = std::min<int64_t>(kVocabularyPiece, c.vocabulary) * hidden;
  sizes.head_piece = piece * bytes;
  sizes.all = c.layers * sizes.layer + pieces * sizes.head_piece;
  // While a layer is loaded its largest matrix is there in float32 as well, and likewise a piece of the LM
  // head; the first layer of the next round is loaded while the pieces are.
  sizes.streamed = 2 * sizes.layer + 2 * sizes.head_piece + (gate_up + piece) * kFloat;
  return sizes;
}

PackedModel pack_model(const Model& model, Precision precision, ThreadPool& pool, bool stream) {
  const int64_t pieces = (model.config().vocabulary + kVocabularyPiece - 1) / kVocabularyPiece;
  PackedModel packed;
  packed.bf16_attention = has_bf16_attention(precision);
  packed.layers = sequence<PackedLayer>(model.config().layers, pool, stream, [&model, precision](int64_t i) {
    return pack_layer(model, static_cast<int>(i), precision);
  });
  packed.head.final_norm = model.weights().final_norm();
  packed.head.pieces = sequence<Linear>(
      pieces, pool, stream, [&model, precision](int64_t i) { return pack_head_piece(model, i, precision); });
  return packed;
}

}  // namespace idleheads
