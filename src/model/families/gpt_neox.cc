// GPT-NeoX and Pythia: attention and a plain MLP side by side with a LayerNorm each, Q, K and V in one tensor
// head by head, RoPE on a quarter of each head.
#include <array>

#include "model/config_rope.h"
#include "model/families/common.h"

namespace idleheads {
namespace {

// transformers 4 has names of its own for two settings.
RopeSpec read_neox_rope(JsonReader& reader, int head_dim, const ModelSpec& spec) {
  RopeLayers layers = {.head_dim = head_dim, .context = spec.context, .partial = true};
  layers.partial_if_absent = reader.number("rotary_pct", 0.25);
  layers.theta_if_absent = reader.number("rotary_emb_base", 10000);
  return read_rope(reader, layers);
}

void read_json(JsonReader& reader, ModelSpec& spec) {
  read_model_sizes(reader, spec);
  LayerSpec layer;
  AttentionSpec& a = layer.attention;
  a = read_heads(reader, spec);
  a.qkv_bias = a.output_bias = reader.boolean("attention_bias", true);
  layer.mlp.width = static_cast<int>(reader.integer("intermediate_size"));
  layer.mlp.activation = read_activation(reader, "hidden_act", "gelu");
  layer.mlp.gated = false;
  layer.mlp.bias = true;
  set_pre_norms(layer_norm(reader.number("layer_norm_eps")), layer, spec);
  layer.parallel = reader.boolean("use_parallel_residual", true);
  a.rope = add_rope(read_neox_rope(reader, a.head_dim, spec), spec);
  repeat_layer(reader, layer, spec);
  spec.storage.qkv = StorageSpec::Qkv::by_group;
}

void read_gguf(GgufReader& reader, ModelSpec& spec) {
  LayerSpec layer = read_normed_layer(reader, read_layer_norm(reader), spec);
  layer.mlp.activation = Activation::gelu;
  layer.parallel = reader.boolean("use_parallel_residual", true);
  layer.attention.rope = add_rope(reader, {.head_dim = layer.attention.head_dim, .partial = true}, spec);
  repeat_layer(reader, layer, spec);
}

constexpr auto kConstants = std::to_array<std::string_view>(
    {".attention.bias", ".attention.masked_bias", ".attention.rotary_emb.inv_freq"});
constexpr auto kTensors = std::to_array<TensorName>(
    {{Role::token_embedding, "gpt_neox.embed_in.weight", "token_embd.weight"},
     {Role::lm_head, "embed_out.weight", "output.weight"},
     {Role::final_norm, "gpt_neox.final_layer_norm.weight", "output_norm.weight"},
     {Role::final_norm_bias, "gpt_neox.final_layer_norm.bias", "output_norm.bias"},
     {Role::attention_norm, "gpt_neox.layers.{}.input_layernorm.weight", "blk.{}.attn_norm.weight"},
     {Role::attention_norm_bias, "gpt_neox.layers.{}.input_layernorm.bias", "blk.{}.attn_norm.bias"},
     {Role::mlp_norm, "gpt_neox.layers.{}.post_attention_layernorm.weight", "blk.{}.ffn_norm.weight"},
     {Role::mlp_norm_bias, "gpt_neox.layers.{}.post_attention_layernorm.bias", "blk.{}.ffn_norm.bias"},
     {Role::qkv, "gpt_neox.layers.{}.attention.query_key_value.weight", "blk.{}.attn_qkv.weight"},
     {Role::qkv_bias, "gpt_neox.layers.{}.attention.query_key_value.bias", "blk.{}.attn_qkv.bias"},
     {Role::output, "gpt_neox.layers.{}.attention.dense.weight", "blk.{}.attn_output.weight"},
     {Role::output_bias, "gpt_neox.layers.{}.attention.dense.bias", "blk.{}.attn_output.bias"},
     {Role::up, "gpt_neox.layers.{}.mlp.dense_h_to_4h.weight", "blk.{}.ffn_up.weight"},
     {Role::up_bias, "gpt_neox.layers.{}.mlp.dense_h_to_4h.bias", "blk.{}.ffn_up.bias"},
     {Role::down, "gpt_neox.layers.{}.mlp.dense_4h_to_h.weight", "blk.{}.ffn_down.weight"},
     {Role::down_bias, "gpt_neox.layers.{}.mlp.dense_4h_to_h.bias", "blk.{}.ffn_down.bias"}});

}  // namespace

constexpr Family kGptNeox = {.name = "gpt_neox",
                             .architecture = "GPTNeoXForCausalLM",
                             .gguf = "gptneox",
                             .read_json = read_json,
                             .read_gguf = read_gguf,
                             .tensors = kTensors,
                             .constants = kConstants};

}  // namespace idleheads
