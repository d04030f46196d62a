#include "cuda/layer_rows.h"

#include <algorithm>

#include "engine/expert_choice.h"

namespace idleheads::cuda {
namespace {

struct Widest {
  int64_t narrow = 0, qkv = 0, up = 0, mlp = 0;
};

Widest widest_of(const ModelSpec& spec) {
  Widest widest = {.narrow = spec.hidden};
  for (const LayerSpec& layer : spec.layers) {
    widest.narrow = std::max<int64_t>(widest.narrow, layer.attention.query_width());
    widest.qkv = std::max<int64_t>({widest.qkv, layer.attention.qkv_width(), spec.hidden});
    widest.mlp = std::max<int64_t>(widest.mlp, layer.mlp.width);
    widest.up = std::max<int64_t>(widest.up, (layer.mlp.gated ? 2 : 1) * layer.mlp.width);
  }
  return widest;
}

}  // namespace

template <typename Element>
LayerRows<Element>::LayerRows(const ModelSpec& spec, ThreadPool& pool, Stream stream, int64_t chunk)
    : hidden_(spec.hidden),
      chunk_(chunk),
      spec_(spec),
      pool_(pool),
      stream_(stream),
      products_(stream),
      router_products_(stream) {}

template <typename Element>
int64_t LayerRows<Element>::bytes() const {
  const Widest widest = widest_of(spec_);
  int64_t experts = 0;
  for (const LayerSpec& layer : spec_.layers)
    experts = std::max<int64_t>(experts, layer.mlp.experts > 0 ? layer.mlp.experts_per_token + 2 : 0);
  const auto element = static_cast<int64_t>(sizeof(Element));
  return chunk_ * ((widest.narrow + widest.up + widest.mlp + hidden_) * element +
                   (widest.qkv + (1 + experts) * hidden_) * static_cast<int64_t>(sizeof(float)));
}

template <typename Element>
template <typename T, typename Output>
void LayerRows<Element>::multiply(Products<T>& products, const DeviceMatrix<T>& matrix, const T* x,
                                  int64_t rows, Output* y) {
  products.apply(matrix.weights.data(), matrix.outputs, matrix.inputs, x, rows, y);
}

template <typename Element>
void LayerRows<Element>::project(const DeviceLayer<Element>& layer, const LayerInput& input,
                                 float* value_norms, Element* qkv) {
  const AttentionSpec& a = layer.spec.attention;
  const int64_t width = a.qkv_width();
  QkvArguments arguments;
  arguments.bias = layer.qkv.bias.data();
  arguments.heads = a.heads;
  arguments.kv_heads = a.kv_heads;
  arguments.head_dim = a.head_dim;
  arguments.query_norm = layer.query_norm.get();
  arguments.key_norm = layer.key_norm.get();
  arguments.norm_over_row = a.qk_norm_over == AttentionSpec::QkNorm::row;
  arguments.norm_stride = a.qk_norm_over == AttentionSpec::QkNorm::each_head ? a.head_dim : 0;
  arguments.clip = a.clip;
  arguments.half = input.ropes->half();
  arguments.tables = input.ropes->tables();
  const int32_t* table_of = input.ropes->table_of();
  for (int64_t first = 0; first < input.rows; first += chunk_) {
    const int64_t rows = std::min(chunk_, input.rows - first);
    narrow_.resize(rows * hidden_);
    products32_.resize(rows * width);
    norm_rows(input.hidden + first * hidden_, layer.attention_norm.get(), hidden_, rows, narrow_.data(),
              nullptr, stream_);
    multiply(products_, layer.qkv, narrow_.data(), rows, products32_.data());
    arguments.products = products32_.data();
    arguments.table_of = table_of != nullptr ? table_of + first : nullptr;
    arguments.positions = input.positions + first;
    arguments.value_norms = value_norms != nullptr ? value_norms + first * a.kv_heads : nullptr;
    finish_qkv(arguments, rows, qkv + first * width, stream_);
  }
}

// Zeros of a layer without attention, so that what follows is the same for all layers.
template <typename Element>
void LayerRows<Element>::multiply_heads(const DeviceLayer<Element>& layer, const Element* qkv, int64_t rows) {
  const AttentionSpec& a = layer.spec.attention;
  products32_.resize(rows * hidden_);
  if (!a.is_there()) {
    const auto bytes = static_cast<size_t>(rows * hidden_) * sizeof(float);
    return check(cudaMemsetAsync(products32_.data(), 0, bytes, stream_), "zeros");
  }
  GatherArguments gather = {qkv, a.qkv_width(), a.heads, a.head_dim, sources_.data(), masks_.data(), nullptr};
  if (means_.size() > 0) gather.means = means_.data();
  gather_heads(gather, rows, narrow_.data(), stream_);
  multiply(products_, layer.output, narrow_.data(), rows, products32_.data());
}

template <typename Element>
void LayerRows<Element>::finish(const DeviceLayer<Element>& layer, const MaskTable& masks,
                                std::span<const RowSource> rows, const float* hidden, const Element* qkv,
                                float* next, int* bad) {
  const AttentionSpec& a = layer.spec.attention;
  const bool is_mixture = layer.spec.mlp.experts > 0;
  upload(masks.off, masks_, stream_);
  means_.resize(std::ssize(masks.means));
  upload(masks.means, means_.data(), stream_);
  for (int64_t first = 0; first < std::ssize(rows); first += chunk_) {
    const int64_t count = std::min(chunk_, std::ssize(rows) - first);
    sources_.resize(count);
    upload(rows.subspan(static_cast<size_t>(first), static_cast<size_t>(count)), sources_.data(), stream_);
    narrow_.resize(count * std::max<int64_t>(hidden_, a.query_width()));
    if (is_mixture) input32_.resize(count * hidden_);
    multiply_heads(layer, qkv, count);
    ResidualArguments residual;
    residual.product = products32_.data();
    residual.bias = a.is_there() ? layer.output.bias.data() : nullptr;
    residual.post_norm = layer.attention_post_norm.get();
    residual.multiplier = layer.spec.residual_multiplier;
    residual.hidden = hidden;
    residual.sources = sources_.data();
    residual.next = next + first * hidden_;
    residual.mlp_norm = layer.mlp_norm.get();
    residual.parallel = layer.spec.parallel;
    residual.input32 = is_mixture ? input32_.data() : nullptr;
    after_attention(residual, hidden_, count, narrow_.data(), stream_);
    if (is_mixture) {
      apply_mixture(layer, count);
      residual.bias = nullptr;
    } else {
      apply_mlp(layer.spec.mlp, layer.mlp, narrow_.data(), count, products32_.data());
      residual.bias = layer.mlp.down.bias.data();
    }
    residual.post_norm = layer.mlp_post_norm.get();
    after_mlp(residual, hidden_, count, bad, stream_);
  }
}

template <typename Element>
void LayerRows<Element>::apply_mlp(const MlpSpec& spec, const DeviceMlp<Element>& mlp, const Element* x,
                                   int64_t rows, float* y) {
  up_.resize(rows * mlp.up.outputs);
  activated_.resize(rows * spec.width);
  multiply(products_, mlp.up, x, rows, up_.data());
  activate(spec, up_.data(), mlp.up.bias.data(), rows, activated_.data(), stream_);
  multiply(products_, mlp.down, activated_.data(), rows, y);
}

// From narrow_ and input32_ into products32_. The host chooses the experts, by the processor's rule.
template <typename Element>
void LayerRows<Element>::apply_mixture(const DeviceLayer<Element>& layer, int64_t rows) {
  const MlpSpec& spec = layer.spec.mlp;
  const int64_t experts = spec.experts, chosen = spec.experts_per_token;
  logits_.resize(rows * experts);
  multiply(router_products_, layer.router, input32_.data(), rows, logits_.data());
  std::vector<float> logits(static_cast<size_t>(rows * experts)),
      bias(static_cast<size_t>(layer.router.bias.size()));
  download(logits_.data(), std::span(logits), stream_);
  download(layer.router.bias.data(), std::span(bias), stream_);
  std::vector<ExpertChoice> choices(static_cast<size_t>(rows * chosen));
  pool_.parallel_for(rows, [&](int64_t row, int) {
    const std::span<float> of_row =
        std::span(logits).subspan(static_cast<size_t>(row * experts), static_cast<size_t>(experts));
    for (size_t e = 0; e < bias.size(); ++e) of_row[e] += bias[e];
    choose_experts(
        spec.router, of_row,
        std::span(choices).subspan(static_cast<size_t>(row * chosen), static_cast<size_t>(chosen)));
  });
  outputs_.resize(rows * chosen * hidden_);
  const std::vector<std::vector<int64_t>> of_expert = places_of_experts(choices, spec.experts);
  for (size_t e = 0; e < layer.experts.size(); ++e) {
    const std::vector<int64_t>& places = of_expert[e];
    std::vector<int64_t> of_rows;
    std::vector<float> weights;
    for (const int64_t place : places) {
      of_rows.push_back(place / chosen);
      weights.push_back(choices[static_cast<size_t>(place)].weight);
    }
    const int64_t count = std::ssize(places);
    if (count == 0) continue;
    upload(places, places_, stream_);
    upload(of_rows, rows_of_places_, stream_);
    upload(weights, weights_, stream_);
    expert_input_.resize(count * hidden_);
    expert_output_.resize(count * hidden_);
    gather_rows(narrow_.data(), rows_of_places_.data(), hidden_, count, expert_input_.data(), stream_);
    apply_mlp(spec, layer.experts[e], expert_input_.data(), count, expert_output_.data());
    scatter_weighted(expert_output_.data(), layer.experts[e].down.bias.data(), places_.data(),
                     weights_.data(), hidden_, count, outputs_.data(), stream_);
  }
  sum_chosen(outputs_.data(), chosen, hidden_, rows, products32_.data(), stream_);
}

template class LayerRows<float>;
template class LayerRows<Bf16>;

}  // namespace idleheads::cuda
