// GLM-4 (0414): norms before and behind attention and MLP, gate and up in one tensor, and a RoPE that turns
// neighbours in half of each head.
#include <array>

#include "model/families/common.h"

namespace idleheads {
namespace {

void read_json(JsonReader& reader, ModelSpec& spec) {
  for (const char* key : {"num_key_value_heads", "head_dim"})
    reader.require_named(key);  // 2 and 128 if missing
  read_model_sizes(reader, spec);
  LayerSpec layer = read_layer_sizes(reader, spec);
  const NormSpec norm = rms_norm(reader.number("rms_norm_eps"));
  set_pre_norms(norm, layer, spec);
  layer.attention_post_norm = layer.mlp_post_norm = norm;
  layer.attention.qkv_bias = reader.boolean("attention_bias", false);
  layer.attention.rope = add_rope(
      reader, {.head_dim = layer.attention.head_dim, .partial = true, .partial_if_absent = 0.5}, spec);
  repeat_layer(reader, layer, spec);
  spec.storage.stacked_gate_up = spec.storage.interleaved_rope = true;
}

void read_gguf(GgufReader& reader, ModelSpec& spec) {
  read_model_sizes(reader, spec);
  LayerSpec layer = read_layer_sizes(reader, spec);
  layer.mlp.gated = true;
  layer.mlp.width = reader.integer("feed_forward_length");
  const NormSpec norm = read_rms_norm(reader);
  set_pre_norms(norm, layer, spec);
  layer.attention_post_norm = layer.mlp_post_norm = norm;
  layer.attention.rope = add_rope(reader, {.head_dim = layer.attention.head_dim, .partial = true}, spec);
  repeat_layer(reader, layer, spec);
  spec.storage.stacked_gate_up = spec.storage.interleaved_rope = true;
}

constexpr auto kTensors = std::to_array<TensorName>(
    {{Role::attention_post_norm, "model.layers.{}.post_self_attn_layernorm.weight",
      "blk.{}.post_attention_norm.weight"},
     {Role::mlp_post_norm, "model.layers.{}.post_mlp_layernorm.weight", "blk.{}.post_ffw_norm.weight"}});

}  // namespace

constexpr Family kGlm4 = {.name = "glm4",
                          .architecture = "Glm4ForCausalLM",
                          .gguf = "glm4",
                          .read_json = read_json,
                          .read_gguf = read_gguf,
                          .tensors = kTensors};

}  // namespace idleheads
