#include "cuda/device_model.h"

#include <algorithm>
#include <type_traits>

#include "cuda/attention.h"

namespace idleheads::cuda {
namespace {

void to_device(const AlignedBuffer<float>& values, DeviceBuffer<float>& to, Stream stream) {
  to.resize(values.size());
  upload(values.span(), to.data(), stream);
}

template <typename Element>
DeviceMatrix<Element> matrix_of(const AlignedBuffer<float>& weights, int64_t inputs,
                                const AlignedBuffer<float>& bias, Stream stream) {
  DeviceMatrix<Element> matrix;
  matrix.outputs = weights.size() / inputs;
  matrix.inputs = inputs;
  matrix.weights.resize(weights.size());
  if constexpr (std::is_same_v<Element, float>) {
    upload(weights.span(), matrix.weights.data(), stream);
  } else {
    std::vector<Bf16> rounded(static_cast<size_t>(weights.size()));
    std::ranges::transform(weights.span(), rounded.begin(), round_to_bf16);
    upload(std::span<const Bf16>(rounded), matrix.weights.data(), stream);
  }
  to_device(bias, matrix.bias, stream);
  return matrix;
}

// A block's shared memory is the device's matter.
template <typename Element>
bool can_attend_by_mma(int head_dim) {
  if (!std::is_same_v<Element, Bf16> || !has_mma_attention(head_dim)) return false;
  int device = 0, most = 0;
  check(cudaGetDevice(&device), "the device");
  check(cudaDeviceGetAttribute(&most, cudaDevAttrMaxSharedMemoryPerBlockOptin, device),
        "the device's shared memory");
  return mma_shared_bytes(head_dim) <= static_cast<size_t>(most);
}

template <typename Element>
DeviceLayer<Element> load_layer(const WeightSource& source, int index) {
  const OwnStream stream;
  const ModelSpec& model = source.spec();
  const LayerSpec& spec = model.layers[static_cast<size_t>(index)];
  const AttentionSpec& a = spec.attention;
  const int64_t hidden = model.hidden;
  const LayerVectors v = source.vectors(index);
  DeviceLayer<Element> layer;
  layer.spec = spec;
  layer.qkv = matrix_of<Element>(source.matrix(LayerMatrix::qkv, index), hidden, v.qkv_bias, stream);
  const AlignedBuffer<float> output = source.matrix(LayerMatrix::output, index);
  const AlignedBuffer<float> factors = source.projection_factors(a, output, a.head_dim);
  if (can_attend_by_mma<Element>(a.head_dim)) {
    upload(factor_fragments(factors.data(), a.heads, a.head_dim), layer.fragments, stream);
  } else {
    to_device(factors, layer.factors, stream);
  }
  layer.output = matrix_of<Element>(output, a.query_width(), v.output_bias, stream);
  if (spec.mlp.experts == 0) {
    layer.mlp.up = matrix_of<Element>(source.matrix(LayerMatrix::up, index), hidden, v.up_bias, stream);
    layer.mlp.down =
        matrix_of<Element>(source.matrix(LayerMatrix::down, index), spec.mlp.width, v.down_bias, stream);
  } else {
    layer.router = matrix_of<float>(source.matrix(LayerMatrix::router, index), hidden, v.router_bias, stream);
  }
  for (int e = 0; e < spec.mlp.experts; ++e) {
    const auto of_expert = [&](LayerMatrix which, int64_t inputs) {
      return matrix_of<Element>(source.expert_matrix(which, index, e), inputs,
                                source.expert_bias(which, index, e), stream);
    };
    layer.experts.push_back(
        {of_expert(LayerMatrix::up, hidden), of_expert(LayerMatrix::down, spec.mlp.width)});
  }
  layer.attention_norm = OwnedNorm(spec.attention_norm, v.attention_norm, stream);
  layer.attention_post_norm = OwnedNorm(spec.attention_post_norm, v.attention_post_norm, stream);
  layer.mlp_norm = spec.shared_norm ? OwnedNorm(spec.attention_norm, v.attention_norm, stream)
                                    : OwnedNorm(spec.mlp_norm, v.mlp_norm, stream);
  layer.mlp_post_norm = OwnedNorm(spec.mlp_post_norm, v.mlp_post_norm, stream);
  layer.query_norm = OwnedNorm(a.qk_norm, v.query_norm, stream);
  layer.key_norm = OwnedNorm(a.qk_norm, v.key_norm, stream);
  to_device(v.sinks, layer.sinks, stream);
  return layer;
}

template <typename Element>
DeviceMatrix<Element> load_head_piece(const WeightSource& source, int64_t index) {
  const OwnStream stream;
  const ModelSpec& spec = source.spec();
  const int64_t first = index * kVocabularyPiece, count = std::min(kVocabularyPiece, spec.vocabulary - first);
  AlignedBuffer<float> bias;
  if (spec.logit_bias) {
    bias.resize(count);
    const AlignedBuffer<float> all = source.lm_head_bias();
    std::copy_n(all.data() + first, count, bias.data());
  }
  return matrix_of<Element>(source.lm_head(first, count), spec.hidden, bias, stream);
}

int64_t pieces_of(const ModelSpec& spec) {
  return (spec.vocabulary + kVocabularyPiece - 1) / kVocabularyPiece;
}

}  // namespace

OwnedNorm::OwnedNorm(const NormSpec& spec, const NormWeights& weights, Stream stream) : spec_(spec) {
  to_device(weights.weight, weight_, stream);
  to_device(weights.bias, bias_, stream);
}

Norm OwnedNorm::get() const { return {spec_.kind, spec_.epsilon, weight_.data(), bias_.data()}; }

WeightBytes weight_bytes(const ModelSpec& spec, int64_t element_bytes) {
  WeightBytes bytes;
  int64_t largest = 0;
  for (const LayerSpec& layer : spec.layers) {
    const AttentionSpec& a = layer.attention;
    const int64_t mlp = (layer.mlp.gated ? 3 : 2) * int64_t{layer.mlp.width} * std::max(1, layer.mlp.experts);
    const int64_t of_layer = spec.hidden * (a.qkv_width() + a.query_width() + mlp) * element_bytes +
                             int64_t{a.heads} * a.head_dim * a.head_dim * static_cast<int64_t>(sizeof(float));
    bytes.all += of_layer;
    largest = std::max(largest, of_layer);
  }
  const int64_t piece = std::min<int64_t>(kVocabularyPiece, spec.vocabulary) * spec.hidden * element_bytes;
  bytes.all += pieces_of(spec) * piece;
  bytes.streamed = 2 * largest + 2 * piece;
  return bytes;
}

template <typename Element>
DeviceModel<Element> load_model(const WeightSource& source, ThreadPool& pool, int device, bool stream) {
  const auto sequence = [&]<typename T>(int64_t count, std::function<T(int64_t)> load) {
    return stream ? WeightSequence<T>::streamed(count, std::move(load))
                  : WeightSequence<T>::resident(count, pool, load);
  };
  DeviceModel<Element> model;
  // Weights are loaded on several threads, each of which has a device of its own.
  model.layers = sequence(source.spec().layer_count(), std::function([&source, device](int64_t i) {
                            use_device(device);
                            return load_layer<Element>(source, static_cast<int>(i));
                          }));
  model.head = sequence(pieces_of(source.spec()), std::function([&source, device](int64_t i) {
                          use_device(device);
                          return load_head_piece<Element>(source, i);
                        }));
  const OwnStream own;
  model.final_norm = OwnedNorm(source.spec().final_norm, source.final_norm(), own);
  return model;
}

template DeviceModel<float> load_model<float>(const WeightSource&, ThreadPool&, int, bool);
template DeviceModel<Bf16> load_model<Bf16>(const WeightSource&, ThreadPool&, int, bool);

}  // namespace idleheads::cuda
