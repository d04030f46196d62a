#include "cuda/device_model.h"

#include <algorithm>
#include <memory>
#include <type_traits>

#include "cuda/attention.h"
#include "cuda/weight_loader.h"
#include "model/weights.h"

namespace idleheads::cuda {
namespace {

void to_device(const AlignedBuffer<float>& values, DeviceBuffer<float>& to, Stream stream) {
  to.resize(values.size());
  upload(values.span(), to.data(), stream);
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

// In parallel: Gram matrices of all heads, in double.
template <typename Element>
std::vector<HeadFactors> load_factors(const WeightSource& source, ThreadPool& pool) {
  const ModelSpec& spec = source.spec();
  const OwnStream stream;
  std::vector<AlignedBuffer<float>> plain(spec.layers.size());
  pool.parallel_for(spec.layer_count(), [&](int64_t l, int) {
    const auto layer = static_cast<size_t>(l);
    const AttentionSpec& a = spec.layers[layer].attention;
    if (!a.is_there()) return;
    const AlignedBuffer<float> output = source.matrix(LayerMatrix::output, static_cast<int>(l));
    plain[layer] = source.projection_factors(a, output, a.head_dim);
  });
  std::vector<HeadFactors> factors(spec.layers.size());
  for (size_t l = 0; l < factors.size(); ++l) {
    const AttentionSpec& a = spec.layers[l].attention;
    if (!a.is_there()) continue;
    if (can_attend_by_mma<Element>(a.head_dim)) {
      upload(factor_fragments(plain[l].data(), a.heads, a.head_dim), factors[l].fragments, stream);
    } else {
      to_device(plain[l], factors[l].plain, stream);
    }
  }
  return factors;
}

// Loads layers and pieces of the LM head, one at a time, into the memory of those that are no longer in use.
template <typename Element>
class ModelLoader {
 public:
  ModelLoader(const WeightSource& source, int device, int threads)
      : source_(source), device_(device), loader_(threads) {}

  DeviceLayer<Element> layer(int64_t index, std::unique_ptr<DeviceLayer<Element>> spare,
                             const HeadFactors& factors);
  DeviceMatrix<Element> head_piece(int64_t index, std::unique_ptr<DeviceMatrix<Element>> spare);

 private:
  template <typename T>
  void load(const StoredMatrix& stored, const AlignedBuffer<float>& bias, DeviceMatrix<T>& matrix);
  void load_mlp(DeviceLayer<Element>& layer, int index, const LayerVectors& v);
  void load_norms(DeviceLayer<Element>& layer, const LayerVectors& v);
  void check_layer(int index);

  const WeightSource& source_;
  const int device_;
  WeightLoader loader_;
};

template <typename Element>
template <typename T>
void ModelLoader<Element>::load(const StoredMatrix& stored, const AlignedBuffer<float>& bias,
                                DeviceMatrix<T>& matrix) {
  matrix.outputs = stored.rows();
  matrix.inputs = stored.columns;
  to_device(bias, matrix.bias, loader_.stream());
  loader_.load(stored, matrix.weights);
  source_.forget(stored);
}

template <typename Element>
void ModelLoader<Element>::load_mlp(DeviceLayer<Element>& layer, int index, const LayerVectors& v) {
  const int experts = layer.spec.mlp.experts;
  if (experts == 0) {
    load(source_.stored_matrix(LayerMatrix::up, index), v.up_bias, layer.mlp.up);
    load(source_.stored_matrix(LayerMatrix::down, index), v.down_bias, layer.mlp.down);
  } else {
    load(source_.stored_matrix(LayerMatrix::router, index), v.router_bias, layer.router);
  }
  layer.experts.resize(static_cast<size_t>(experts));
  for (int e = 0; e < experts; ++e) {
    DeviceMlp<Element>& expert = layer.experts[static_cast<size_t>(e)];
    load(source_.stored_expert_matrix(LayerMatrix::up, index, e),
         source_.expert_bias(LayerMatrix::up, index, e), expert.up);
    load(source_.stored_expert_matrix(LayerMatrix::down, index, e),
         source_.expert_bias(LayerMatrix::down, index, e), expert.down);
  }
}

template <typename Element>
void ModelLoader<Element>::load_norms(DeviceLayer<Element>& layer, const LayerVectors& v) {
  const LayerSpec& spec = layer.spec;
  const Stream stream = loader_.stream();
  layer.attention_norm.load(spec.attention_norm, v.attention_norm, stream);
  layer.attention_post_norm.load(spec.attention_post_norm, v.attention_post_norm, stream);
  layer.mlp_norm.load(spec.shared_norm ? spec.attention_norm : spec.mlp_norm,
                      spec.shared_norm ? v.attention_norm : v.mlp_norm, stream);
  layer.mlp_post_norm.load(spec.mlp_post_norm, v.mlp_post_norm, stream);
  layer.query_norm.load(spec.attention.qk_norm, v.query_norm, stream);
  layer.key_norm.load(spec.attention.qk_norm, v.key_norm, stream);
}

// Waits. What is wrong is named by the host, which reads the matrices once more.
template <typename Element>
void ModelLoader<Element>::check_layer(int index) {
  if (loader_.finish()) return;
  const LayerSpec& spec = source_.spec().layers[static_cast<size_t>(index)];
  const MlpSpec& mlp = spec.mlp;
  for (const LayerMatrix which : {LayerMatrix::qkv, LayerMatrix::output}) {
    if (spec.attention.is_there()) source_.matrix(which, index);
  }
  for (const LayerMatrix which : {LayerMatrix::up, LayerMatrix::down}) {
    if (mlp.experts == 0) source_.matrix(which, index);
    for (int e = 0; e < mlp.experts; ++e) source_.expert_matrix(which, index, e);
  }
  if (mlp.experts > 0) source_.matrix(LayerMatrix::router, index);
  fail("layer {}: the weights hold NaN or infinity on the device, and none in the file", index);
}

template <typename Element>
DeviceLayer<Element> ModelLoader<Element>::layer(int64_t number, std::unique_ptr<DeviceLayer<Element>> spare,
                                                 const HeadFactors& factors) {
  use_device(device_);
  const auto index = static_cast<int>(number);
  DeviceLayer<Element> layer = spare ? std::move(*spare) : DeviceLayer<Element>();
  const LayerVectors v = source_.vectors(index);
  layer.spec = source_.spec().layers[static_cast<size_t>(index)];
  layer.factors = &factors;
  load_norms(layer, v);
  to_device(v.sinks, layer.sinks, loader_.stream());
  if (layer.spec.attention.is_there()) {
    load(source_.stored_matrix(LayerMatrix::qkv, index), v.qkv_bias, layer.qkv);
    load(source_.stored_matrix(LayerMatrix::output, index), v.output_bias, layer.output);
  }
  load_mlp(layer, index, v);
  check_layer(index);
  return layer;
}

template <typename Element>
DeviceMatrix<Element> ModelLoader<Element>::head_piece(int64_t index,
                                                       std::unique_ptr<DeviceMatrix<Element>> spare) {
  use_device(device_);
  const ModelSpec& spec = source_.spec();
  const int64_t first = index * kVocabularyPiece, count = std::min(kVocabularyPiece, spec.vocabulary - first);
  DeviceMatrix<Element> piece = spare ? std::move(*spare) : DeviceMatrix<Element>();
  AlignedBuffer<float> bias;
  if (spec.logit_bias) {
    bias.resize(count);
    const AlignedBuffer<float> all = source_.lm_head_bias();
    std::copy_n(all.data() + first, count, bias.data());
  }
  load(source_.stored_lm_head(first, count), bias, piece);
  if (!loader_.finish()) {
    source_.lm_head(first, count);
    fail("the LM head's weights hold NaN or infinity on the device, and none in the file");
  }
  return piece;
}

int64_t pieces_of(const ModelSpec& spec) {
  return (spec.vocabulary + kVocabularyPiece - 1) / kVocabularyPiece;
}

}  // namespace

void OwnedNorm::load(const NormSpec& spec, const NormWeights& weights, Stream stream) {
  spec_ = spec;
  to_device(weights.weight, weight_, stream);
  to_device(weights.bias, bias_, stream);
}

Norm OwnedNorm::get() const { return {spec_.kind, spec_.epsilon, weight_.data(), bias_.data()}; }

WeightBytes weight_bytes(const ModelSpec& spec, int64_t element_bytes) {
  int64_t layers = 0, largest = 0, factors = 0;
  for (const LayerSpec& layer : spec.layers) {
    const AttentionSpec& a = layer.attention;
    const int64_t mlp = (layer.mlp.gated ? 3 : 2) * int64_t{layer.mlp.width} * std::max(1, layer.mlp.experts);
    const int64_t of_layer = spec.hidden * (a.qkv_width() + a.query_width() + mlp) * element_bytes;
    layers += of_layer;
    largest = std::max(largest, of_layer);
    factors += int64_t{a.heads} * a.head_dim * a.head_dim * static_cast<int64_t>(sizeof(float));
  }
  const int64_t piece = std::min<int64_t>(kVocabularyPiece, spec.vocabulary) * spec.hidden * element_bytes;
  const int64_t always = factors + 2 * kLoaderBytes;
  return {.all = always + layers + pieces_of(spec) * piece, .streamed = always + 2 * (largest + piece)};
}

template <typename Element>
DeviceModel<Element> load_model(const WeightSource& source, ThreadPool& pool, int device, bool stream) {
  DeviceModel<Element> model;
  model.factors = load_factors<Element>(source, pool);
  // Each its own, for they may load at the same time.
  const auto layers = std::make_shared<ModelLoader<Element>>(source, device, pool.threads()),
             pieces = std::make_shared<ModelLoader<Element>>(source, device, pool.threads());
  const auto sequence = [&]<typename T>(int64_t count, typename WeightSequence<T>::Reload load) {
    if (stream) return WeightSequence<T>::recycled(count, std::move(load));
    ThreadPool one(1);  // copying and decoding have threads of their own
    return WeightSequence<T>::resident(count, one, [&](int64_t i) { return load(i, nullptr); });
  };
  // The model may be moved, its list of factors stays where it is.
  model.layers = sequence.template operator()<DeviceLayer<Element>>(
      source.spec().layer_count(), [layers, factors = model.factors.data()](int64_t i, auto spare) {
        return layers->layer(i, std::move(spare), factors[i]);
      });
  model.head = sequence.template operator()<DeviceMatrix<Element>>(
      pieces_of(source.spec()),
      [pieces](int64_t i, auto spare) { return pieces->head_piece(i, std::move(spare)); });
  const OwnStream own;
  model.final_norm.load(source.spec().final_norm, source.final_norm(), own);
  return model;
}

template DeviceModel<float> load_model<float>(const WeightSource&, ThreadPool&, int, bool);
template DeviceModel<Bf16> load_model<Bf16>(const WeightSource&, ThreadPool&, int, bool);

}  // namespace idleheads::cuda
