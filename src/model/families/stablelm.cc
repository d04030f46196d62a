// StableLM 2 and StableLM 3B: LayerNorm with biases, a gated MLP, RoPE on a quarter of each head; some run
// attention and MLP side by side behind one norm, with a norm of each query and key head.
#include <array>

#include "model/families/common.h"

namespace idleheads {
namespace {

void read_json(JsonReader& reader, ModelSpec& spec) {
  LayerSpec layer = read_normed_layer(reader, layer_norm(reader.number("layer_norm_eps")), spec);
  layer.parallel = layer.shared_norm = reader.boolean("use_parallel_residual", false);
  if (layer.shared_norm) layer.mlp_norm = {};
  layer.attention.qkv_bias = reader.boolean("use_qkv_bias", false);
  if (reader.boolean("qk_layernorm", false)) set_head_norms(layer);
  spec.storage.head_norms_apart = true;
  layer.attention.rope = add_rope(
      reader, {.head_dim = layer.attention.head_dim, .partial = true, .partial_if_absent = 0.25}, spec);
  repeat_layer(reader, layer, spec);
}

void read_gguf(GgufReader& reader, ModelSpec& spec) {
  LayerSpec layer = read_normed_layer(reader, read_layer_norm(reader), spec);
  layer.parallel = layer.shared_norm = reader.boolean("use_parallel_residual", false);
  if (layer.shared_norm) layer.mlp_norm = {};
  if (has_tensor(reader, Role::query_norm)) set_head_norms(layer);
  layer.attention.rope = add_rope(reader, {.head_dim = layer.attention.head_dim, .partial = true}, spec);
  repeat_layer(reader, layer, spec);
}

constexpr auto kTensors = std::to_array<TensorName>(
    {{Role::query_norm, "model.layers.{}.self_attn.q_layernorm.norms.{}.weight", "blk.{}.attn_q_norm.weight"},
     {Role::key_norm, "model.layers.{}.self_attn.k_layernorm.norms.{}.weight", "blk.{}.attn_k_norm.weight"}});

}  // namespace

constexpr Family kStableLm = {.name = "stablelm",
                              .architecture = "StableLmForCausalLM",
                              .gguf = "stablelm",
                              .read_json = read_json,
                              .read_gguf = read_gguf,
                              .tensors = kTensors};

}  // namespace idleheads
