// StarCoder 2: LayerNorm with biases, a plain MLP, biases everywhere, and a window in all layers.
#include <array>

#include "model/families/common.h"

namespace idleheads {
namespace {

void read_json(JsonReader& reader, ModelSpec& spec) {
  reader.require_named("num_key_value_heads");  // 2 where it is missing, whatever the model
  read_model_sizes(reader, spec, true);
  LayerSpec layer;
  layer.attention = read_heads(reader, spec);
  layer.mlp.width = static_cast<int>(reader.integer("intermediate_size"));
  layer.mlp.activation = read_activation(reader, "hidden_act", "gelu_pytorch_tanh");
  layer.mlp.gated = false;
  set_pre_norms(layer_norm(reader.number("norm_epsilon", 1e-5)), layer, spec);
  layer.attention.qkv_bias = layer.attention.output_bias = layer.mlp.bias = reader.boolean("use_bias", true);
  layer.attention.window = read_window(reader, "sliding_window", 0);
  layer.attention.rope = read_only_rope(reader, layer.attention.head_dim, spec);
  repeat_layer(reader, layer, spec);
}

// llama.cpp has no key for the window.
void read_gguf(GgufReader& reader, ModelSpec& spec) {
  LayerSpec layer = read_normed_layer(reader, read_layer_norm(reader), spec);
  layer.mlp.activation = Activation::gelu_tanh;
  layer.attention.rope = add_rope(reader, {.head_dim = layer.attention.head_dim}, spec);
  repeat_layer(reader, layer, spec);
}

constexpr auto kInert =
    std::to_array<std::string_view>({"mlp_type", "norm_type", "embedding_dropout", "residual_dropout"});
constexpr auto kTensors =
    std::to_array<TensorName>({{Role::up, "model.layers.{}.mlp.c_fc.weight", "blk.{}.ffn_up.weight"},
                               {Role::up_bias, "model.layers.{}.mlp.c_fc.bias", "blk.{}.ffn_up.bias"},
                               {Role::down, "model.layers.{}.mlp.c_proj.weight", "blk.{}.ffn_down.weight"},
                               {Role::down_bias, "model.layers.{}.mlp.c_proj.bias", "blk.{}.ffn_down.bias"}});

}  // namespace

constexpr Family kStarcoder2 = {.name = "starcoder2",
                                .architecture = "Starcoder2ForCausalLM",
                                .gguf = "starcoder2",
                                .read_json = read_json,
                                .read_gguf = read_gguf,
                                .inert_keys = kInert,
                                .tensors = kTensors};

}  // namespace idleheads
