// Phi-1, 1.5 and 2: attention and a plain MLP side by side behind one LayerNorm, biases everywhere, also of
// the LM head, and RoPE on a part of each head. A norm of query and key heads is an option, not in GGUF.
#include <array>
#include <string>

#include "model/families/common.h"

namespace idleheads {
namespace {

void read_json(JsonReader& reader, ModelSpec& spec) {
  read_model_sizes(reader, spec);
  LayerSpec layer;
  layer.attention = read_heads(reader, spec);
  layer.mlp.width = static_cast<int>(reader.integer("intermediate_size"));
  layer.mlp.activation = read_activation(reader, "hidden_act", "gelu_new");
  layer.mlp.gated = false;
  spec.final_norm = layer.attention_norm = layer_norm(reader.number("layer_norm_eps"));
  layer.parallel = layer.shared_norm = true;
  layer.attention.qkv_bias = layer.attention.output_bias = layer.mlp.bias = spec.logit_bias = true;
  if (reader.boolean("qk_layernorm", false)) set_qk_norm(AttentionSpec::QkNorm::head, layer);
  layer.attention.rope = add_rope(
      reader, {.head_dim = layer.attention.head_dim, .partial = true, .partial_if_absent = 0.5}, spec);
  const int rotated = spec.ropes.front().rotated();
  if (reader.integer("rotary_dim", rotated) != rotated) reader.wrong("rotary_dim", std::to_string(rotated));
  repeat_layer(reader, layer, spec);
}

void read_gguf(GgufReader& reader, ModelSpec& spec) {
  read_model_sizes(reader, spec);
  LayerSpec layer = read_layer_sizes(reader, spec);
  layer.mlp.activation = Activation::gelu_tanh;
  spec.final_norm = layer.attention_norm = read_layer_norm(reader);
  layer.parallel = layer.shared_norm = true;
  spec.logit_bias = true;
  layer.attention.rope = add_rope(reader, {.head_dim = layer.attention.head_dim, .partial = true}, spec);
  repeat_layer(reader, layer, spec);
}

constexpr auto kInert = std::to_array<std::string_view>({"attention_bias"});  // there is one, always
constexpr auto kTensors = std::to_array<TensorName>(
    {{Role::final_norm, "model.final_layernorm.weight", "output_norm.weight"},
     {Role::final_norm_bias, "model.final_layernorm.bias", "output_norm.bias"},
     {Role::output, "model.layers.{}.self_attn.dense.weight", "blk.{}.attn_output.weight"},
     {Role::output_bias, "model.layers.{}.self_attn.dense.bias", "blk.{}.attn_output.bias"},
     {Role::query_norm, "model.layers.{}.self_attn.q_layernorm.weight", ""},
     {Role::query_norm_bias, "model.layers.{}.self_attn.q_layernorm.bias", ""},
     {Role::key_norm, "model.layers.{}.self_attn.k_layernorm.weight", ""},
     {Role::key_norm_bias, "model.layers.{}.self_attn.k_layernorm.bias", ""},
     {Role::up, "model.layers.{}.mlp.fc1.weight", "blk.{}.ffn_up.weight"},
     {Role::up_bias, "model.layers.{}.mlp.fc1.bias", "blk.{}.ffn_up.bias"},
     {Role::down, "model.layers.{}.mlp.fc2.weight", "blk.{}.ffn_down.weight"},
     {Role::down_bias, "model.layers.{}.mlp.fc2.bias", "blk.{}.ffn_down.bias"}});

}  // namespace

constexpr Family kPhi = {.name = "phi",
                         .architecture = "PhiForCausalLM",
                         .gguf = "phi2",
                         .read_json = read_json,
                         .read_gguf = read_gguf,
                         .inert_keys = kInert,
                         .tensors = kTensors};

}  // namespace idleheads
