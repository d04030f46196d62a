#include "engine/cpu/packed_model.h"

#include <algorithm>

#include "engine/cpu/attention.h"
#include "engine/cpu/ops.h"
#include "idleheads/base/error.h"

namespace idleheads {
namespace {

Norm query_or_key_norm(const AttentionSpec& a, NormWeights weights, int heads) {
  const bool over_row = a.qk_norm_over == AttentionSpec::QkNorm::row;
  const bool of_each = a.qk_norm_over == AttentionSpec::QkNorm::each_head;
  return Norm(a.qk_norm, std::move(weights), over_row ? heads * a.head_dim : a.head_dim, of_each ? heads : 1);
}

int64_t up_width(const MlpSpec& mlp) { return (mlp.gated ? 2 : 1) * mlp.width; }

// The router's products are float32: the choice of experts should not be a matter of rounding.
Mixture pack_mixture(const WeightSource& weights, int index, const AlignedBuffer<float>& router_bias,
                     Precision precision) {
  const int64_t hidden = weights.spec().hidden;
  const MlpSpec& spec = weights.spec().layers[static_cast<size_t>(index)].mlp;
  const AlignedBuffer<float> matrix = weights.matrix(LayerMatrix::router, index);
  Linear router(matrix.span(), spec.experts, hidden, Precision::f32, router_bias.span());
  std::vector<Mlp> experts;
  for (int e = 0; e < spec.experts; ++e) {
    const auto pack = [&](LayerMatrix which, int64_t outputs, int64_t inputs) {
      const AlignedBuffer<float> of_expert = weights.expert_matrix(which, index, e);
      const AlignedBuffer<float> bias = weights.expert_bias(which, index, e);
      return Linear(of_expert.span(), outputs, inputs, precision, bias.span());
    };
    Linear up = pack(LayerMatrix::up, up_width(spec), hidden);
    experts.emplace_back(spec, std::move(up), pack(LayerMatrix::down, hidden, spec.width));
  }
  return Mixture(spec, std::move(router), std::move(experts));
}

// One matrix after the other: while streaming, a layer in float32 would need as much memory as several
// packed ones.
PackedLayer pack_layer(const WeightSource& weights, int index, Precision precision) {
  const int64_t hidden = weights.spec().hidden;
  const LayerSpec& spec = weights.spec().layers[static_cast<size_t>(index)];
  const AttentionSpec& attention = spec.attention;
  PackedLayer packed;
  LayerVectors v = weights.vectors(index);
  const auto pack = [&](LayerMatrix which, int64_t outputs, int64_t inputs,
                        const AlignedBuffer<float>& bias) {
    const AlignedBuffer<float> matrix = weights.matrix(which, index);
    if (which == LayerMatrix::output)
      packed.projection_factors =
          weights.projection_factors(attention, matrix, padded_head_dim(attention.head_dim));
    return Linear(matrix.span(), outputs, inputs, precision, bias.span());
  };
  packed.attention = attention;
  packed.parallel = spec.parallel;
  packed.residual_multiplier = spec.residual_multiplier;
  if (attention.is_there()) {
    packed.qkv = pack(LayerMatrix::qkv, attention.qkv_width(), hidden, v.qkv_bias);
    packed.output = pack(LayerMatrix::output, hidden, attention.query_width(), v.output_bias);
  }
  if (spec.mlp.experts > 0) {
    packed.mixture = pack_mixture(weights, index, v.router_bias, precision);
  } else {
    const int64_t width = spec.mlp.width;
    Linear up = pack(LayerMatrix::up, up_width(spec.mlp), hidden, v.up_bias);
    packed.mlp = Mlp(spec.mlp, std::move(up), pack(LayerMatrix::down, hidden, width, v.down_bias));
  }
  packed.mlp_norm = spec.shared_norm ? Norm(spec.attention_norm, v.attention_norm, hidden)
                                     : Norm(spec.mlp_norm, std::move(v.mlp_norm), hidden);
  packed.attention_norm = Norm(spec.attention_norm, std::move(v.attention_norm), hidden);
  packed.attention_post_norm = Norm(spec.attention_post_norm, std::move(v.attention_post_norm), hidden);
  packed.mlp_post_norm = Norm(spec.mlp_post_norm, std::move(v.mlp_post_norm), hidden);
  packed.query_norm = query_or_key_norm(attention, std::move(v.query_norm), attention.heads);
  packed.key_norm = query_or_key_norm(attention, std::move(v.key_norm), attention.kv_heads);
  packed.sinks = std::move(v.sinks);
  return packed;
}

Linear pack_head_piece(const WeightSource& weights, int64_t index, Precision precision) {
  const ModelSpec& c = weights.spec();
  const int64_t first = index * kVocabularyPiece;
  const int64_t count = std::min<int64_t>(kVocabularyPiece, c.vocabulary - first);
  const AlignedBuffer<float> matrix = weights.lm_head(first, count);
  if (!c.logit_bias) return Linear(matrix.span(), count, c.hidden, precision);
  const AlignedBuffer<float> bias = weights.lm_head_bias();
  return Linear(matrix.span(), count, c.hidden, precision,
                bias.span().subspan(static_cast<size_t>(first), static_cast<size_t>(count)));
}

template <typename T>
WeightSequence<T> sequence(int64_t count, ThreadPool& pool, bool stream, std::function<T(int64_t)> load) {
  return stream ? WeightSequence<T>::streamed(count, std::move(load))
                : WeightSequence<T>::resident(count, pool, load);
}

}  // namespace

WeightSizes weight_sizes(const ModelSpec& spec, Precision precision) {
  const int64_t bytes = precision == Precision::bf16 ? 2 : 4, hidden = spec.hidden;
  constexpr auto kFloat = static_cast<int64_t>(sizeof(float));
  WeightSizes sizes;
  int64_t largest_matrix = 0;
  for (const LayerSpec& layer : spec.layers) {
    const AttentionSpec& a = layer.attention;
    const int64_t up = up_width(layer.mlp) * hidden, experts = std::max(1, layer.mlp.experts);
    const int64_t weights =
        hidden * a.qkv_width() + hidden * a.query_width() + experts * (up + hidden * layer.mlp.width);
    const int64_t factors = a.heads * int64_t{a.head_dim} * padded_head_dim(a.head_dim);
    const int64_t of_layer = weights * bytes + factors * kFloat;
    sizes.all += of_layer;
    sizes.layer = std::max(sizes.layer, of_layer);
    largest_matrix = std::max({largest_matrix, up, hidden * a.qkv_width()});
  }
  const int64_t pieces = (spec.vocabulary + kVocabularyPiece - 1) / kVocabularyPiece;
  const int64_t piece = std::min<int64_t>(kVocabularyPiece, spec.vocabulary) * hidden;
  sizes.head_piece = piece * bytes;
  sizes.all += pieces * sizes.head_piece;
  // While a layer is loaded its largest matrix is there in float32 as well, and likewise a piece of the LM
  // head; the first layer of the next round is loaded while the pieces are.
  sizes.streamed = 2 * sizes.layer + 2 * sizes.head_piece + (largest_matrix + piece) * kFloat;
  return sizes;
}

PackedModel pack_model(const WeightSource& weights, Precision precision, ThreadPool& pool, bool stream) {
  const ModelSpec& spec = weights.spec();
  const int64_t pieces = (spec.vocabulary + kVocabularyPiece - 1) / kVocabularyPiece;
  PackedModel packed;
  packed.bf16_attention = has_bf16_attention(precision);
  packed.layers = sequence<PackedLayer>(spec.layer_count(), pool, stream, [&weights, precision](int64_t i) {
    return pack_layer(weights, static_cast<int>(i), precision);
  });
  packed.head.final_norm = Norm(spec.final_norm, weights.final_norm(), spec.hidden);
  packed.head.multiplier = spec.logit_multiplier;
  packed.head.soft_cap = spec.logit_soft_cap;
  packed.head.pieces = sequence<Linear>(pieces, pool, stream, [&weights, precision](int64_t i) {
    return pack_head_piece(weights, i, precision);
  });
  return packed;
}

}  // namespace idleheads
