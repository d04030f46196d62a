#include "model/expected_tensors.h"

namespace idleheads {
namespace {

void add_norm(const NormSpec& norm, Role weight, Role bias, const std::vector<int64_t>& shape,
              std::vector<ExpectedTensor>& to, int part = 0) {
  to.push_back({weight, norm.is_there() && norm.weight, shape, part});
  to.push_back({bias, norm.is_there() && norm.bias, shape, part});
}

class OfLayer {
 public:
  explicit OfLayer(const ModelSpec& spec) : storage_(spec.storage), hidden_(spec.hidden) {}

  std::vector<ExpectedTensor> all(const LayerSpec& layer) const {
    std::vector<ExpectedTensor> tensors;
    if (layer.attention.is_there()) add_attention(layer.attention, tensors);
    layer.mlp.experts > 0 ? add_experts(layer.mlp, tensors) : add_mlp(layer.mlp, tensors);
    add_norm(layer.attention_norm, Role::attention_norm, Role::attention_norm_bias, {hidden_}, tensors);
    add_norm(layer.mlp_norm, Role::mlp_norm, Role::mlp_norm_bias, {hidden_}, tensors);
    tensors.push_back({Role::attention_post_norm, layer.attention_post_norm.is_there(), {hidden_}});
    tensors.push_back({Role::mlp_post_norm, layer.mlp_post_norm.is_there(), {hidden_}});
    return tensors;
  }

 private:
  std::vector<int64_t> matrix(int64_t outputs, int64_t inputs) const {
    return storage_.transposed ? std::vector{inputs, outputs} : std::vector{outputs, inputs};
  }

  void add_attention(const AttentionSpec& a, std::vector<ExpectedTensor>& to) const {
    const int64_t query = a.query_width(), kv = a.kv_width();
    const bool apart = storage_.qkv == StorageSpec::Qkv::apart;
    to.insert(to.end(), {{Role::query, apart, matrix(query, hidden_)},
                         {Role::key, apart, matrix(kv, hidden_)},
                         {Role::value, apart, matrix(kv, hidden_)},
                         {Role::qkv, !apart, matrix(a.qkv_width(), hidden_)},
                         {Role::output, true, matrix(hidden_, query)},
                         {Role::query_bias, a.qkv_bias && apart, {query}},
                         {Role::key_bias, a.qkv_bias && apart, {kv}},
                         {Role::value_bias, a.qkv_bias && apart, {kv}},
                         {Role::qkv_bias, a.qkv_bias && !apart, {a.qkv_width()}},
                         {Role::output_bias, a.output_bias, {hidden_}},
                         {Role::sinks, a.sinks, {a.heads}}});
    add_qk_norm(a, Role::query_norm, Role::query_norm_bias, a.heads, to);
    add_qk_norm(a, Role::key_norm, Role::key_norm_bias, a.kv_heads, to);
  }

  void add_qk_norm(const AttentionSpec& a, Role weight, Role bias, int heads,
                   std::vector<ExpectedTensor>& to) const {
    switch (a.qk_norm_over) {
      case AttentionSpec::QkNorm::none:
        return;
      case AttentionSpec::QkNorm::row:
        return add_norm(a.qk_norm, weight, bias, {heads * a.head_dim}, to);
      case AttentionSpec::QkNorm::head:
        return add_norm(a.qk_norm, weight, bias, {a.head_dim}, to);
      case AttentionSpec::QkNorm::each_head:
        if (!storage_.head_norms_apart) return add_norm(a.qk_norm, weight, bias, {heads, a.head_dim}, to);
        for (int h = 0; h < heads; ++h) add_norm(a.qk_norm, weight, bias, {a.head_dim}, to, h);
    }
  }

  void add_mlp(const MlpSpec& mlp, std::vector<ExpectedTensor>& to) const {
    const int64_t wide = mlp.width;
    const bool stacked = storage_.stacked_gate_up;
    to.insert(to.end(), {{Role::gate_up, stacked, matrix(2 * wide, hidden_)},
                         {Role::gate, mlp.gated && !stacked, matrix(wide, hidden_)},
                         {Role::up, !stacked, matrix(wide, hidden_)},
                         {Role::down, true, matrix(hidden_, wide)},
                         {Role::gate_bias, mlp.gated && mlp.bias, {wide}},
                         {Role::up_bias, mlp.bias, {wide}},
                         {Role::down_bias, mlp.bias, {hidden_}}});
  }

  void add_experts(const MlpSpec& mlp, std::vector<ExpectedTensor>& to) const {
    const int64_t wide = mlp.width, experts = mlp.experts;
    to.push_back({Role::router, true, {experts, hidden_}});
    to.push_back({Role::router_bias, mlp.router_bias, {experts}});
    switch (storage_.experts) {
      case StorageSpec::Experts::apart:
        for (int e = 0; e < mlp.experts; ++e) {
          to.insert(to.end(), {{Role::expert_gate, mlp.gated, {wide, hidden_}, e},
                               {Role::expert_up, true, {wide, hidden_}, e},
                               {Role::expert_down, true, {hidden_, wide}, e},
                               {Role::expert_gate_bias, mlp.gated && mlp.bias, {wide}, e},
                               {Role::expert_up_bias, mlp.bias, {wide}, e},
                               {Role::expert_down_bias, mlp.bias, {hidden_}, e}});
        }
        return;
      case StorageSpec::Experts::together:
        to.insert(to.end(), {{Role::expert_gate, mlp.gated, {experts, wide, hidden_}},
                             {Role::expert_up, true, {experts, wide, hidden_}},
                             {Role::expert_down, true, {experts, hidden_, wide}},
                             {Role::expert_gate_bias, mlp.gated && mlp.bias, {experts, wide}},
                             {Role::expert_up_bias, mlp.bias, {experts, wide}},
                             {Role::expert_down_bias, mlp.bias, {experts, hidden_}}});
        return;
      case StorageSpec::Experts::interleaved:
        to.insert(to.end(), {{Role::expert_gate_up_bias, mlp.bias, {experts, 2 * wide}},
                             {Role::expert_down_bias, mlp.bias, {experts, hidden_}}});
        if (storage_.mxfp4_experts) {
          add_mxfp4(Role::expert_gate_up, Role::expert_gate_up_scales, {experts, 2 * wide, hidden_}, to);
          add_mxfp4(Role::expert_down, Role::expert_down_scales, {experts, hidden_, wide}, to);
        } else {
          to.insert(to.end(), {{Role::expert_gate_up, true, {experts, hidden_, 2 * wide}},
                               {Role::expert_down, true, {experts, wide, hidden_}}});
        }
        return;
    }
  }

  // Matrices [experts, outputs, inputs]: for each 32 inputs 16 bytes, and a byte of scale.
  static void add_mxfp4(Role elements, Role scales, std::vector<int64_t> shape,
                        std::vector<ExpectedTensor>& to) {
    shape.back() /= 32;
    to.push_back({.role = scales, .present = true, .shape = shape, .bytes = true});
    shape.push_back(16);
    to.push_back({.role = elements, .present = true, .shape = shape, .bytes = true});
  }

  const StorageSpec& storage_;
  const int64_t hidden_;
};

}  // namespace

std::vector<ExpectedTensor> tensors_of_model(const ModelSpec& spec) {
  std::vector<ExpectedTensor> tensors = {
      {Role::token_embedding, true, {spec.vocabulary, spec.hidden}},
      {Role::position_embedding, spec.learned_positions, {spec.context, spec.hidden}},
      {Role::lm_head, !spec.tied_embeddings, {spec.vocabulary, spec.hidden}},
      {Role::lm_head_bias, spec.logit_bias, {spec.vocabulary}}};
  add_norm(spec.final_norm, Role::final_norm, Role::final_norm_bias, {spec.hidden}, tensors);
  return tensors;
}

std::vector<ExpectedTensor> tensors_of_layer(const LayerSpec& layer, const ModelSpec& spec) {
  return OfLayer(spec).all(layer);
}

}  // namespace idleheads
