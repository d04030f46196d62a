// GPT-2: learned positions instead of RoPE, LayerNorm and biases everywhere, a plain MLP, and matrices stored
// [inputs, outputs].
#include <array>

#include "model/families/common.h"

namespace idleheads {
namespace {

void read_json(JsonReader& reader, ModelSpec& spec) {
  spec.hidden = static_cast<int>(reader.integer("n_embd"));
  spec.vocabulary = static_cast<int>(reader.integer("vocab_size"));
  spec.context = reader.integer("n_positions");
  spec.tied_embeddings = reader.boolean("tie_word_embeddings", true);
  spec.learned_positions = true;
  LayerSpec layer;
  AttentionSpec& a = layer.attention;
  a.heads = a.kv_heads = static_cast<int>(reader.integer("n_head"));
  if (a.heads < 1 || spec.hidden % a.heads != 0) reader.wrong("n_head", "a divisor of n_embd");
  a.head_dim = spec.hidden / a.heads;
  a.scale = usual_scale(a.head_dim);
  a.qkv_bias = a.output_bias = layer.mlp.bias = true;
  layer.mlp.width = static_cast<int>(reader.integer("n_inner", int64_t{4} * spec.hidden));
  layer.mlp.activation = read_activation(reader, "activation_function", "gelu_new");
  layer.mlp.gated = false;
  set_pre_norms(layer_norm(reader.number("layer_norm_epsilon", 1e-5)), layer, spec);
  const int64_t layers = reader.integer("n_layer");
  require_layer_count(layers, reader.name());
  spec.layers.assign(static_cast<size_t>(layers), layer);
  spec.storage.qkv = StorageSpec::Qkv::stacked;
  spec.storage.transposed = true;
  spec.storage.renamings = {{"", ""}, {"", "transformer."}};
}

void read_gguf(GgufReader& reader, ModelSpec& spec) {
  LayerSpec layer = read_normed_layer(reader, read_layer_norm(reader), spec);
  layer.mlp.activation = Activation::gelu_tanh;
  spec.learned_positions = true;
  repeat_layer(reader, layer, spec);
}

constexpr auto kInert = std::to_array<std::string_view>(
    {"n_ctx", "summary_activation", "summary_first_dropout", "summary_proj_to_labels", "summary_type",
     "summary_use_proj", "predict_special_tokens", "reorder_and_upcast_attn"});
constexpr auto kAtRest = std::to_array<KeyAtRest>(
    {{"n_special", 0.0}, {"scale_attn_weights", true}, {"scale_attn_by_inverse_layer_idx", false}});
constexpr auto kConstants = std::to_array<std::string_view>({".attn.bias", ".attn.masked_bias"});
constexpr auto kTensors =
    std::to_array<TensorName>({{Role::token_embedding, "wte.weight", "token_embd.weight"},
                               {Role::position_embedding, "wpe.weight", "position_embd.weight"},
                               {Role::final_norm, "ln_f.weight", "output_norm.weight"},
                               {Role::final_norm_bias, "ln_f.bias", "output_norm.bias"},
                               {Role::attention_norm, "h.{}.ln_1.weight", "blk.{}.attn_norm.weight"},
                               {Role::attention_norm_bias, "h.{}.ln_1.bias", "blk.{}.attn_norm.bias"},
                               {Role::mlp_norm, "h.{}.ln_2.weight", "blk.{}.ffn_norm.weight"},
                               {Role::mlp_norm_bias, "h.{}.ln_2.bias", "blk.{}.ffn_norm.bias"},
                               {Role::qkv, "h.{}.attn.c_attn.weight", "blk.{}.attn_qkv.weight"},
                               {Role::qkv_bias, "h.{}.attn.c_attn.bias", "blk.{}.attn_qkv.bias"},
                               {Role::output, "h.{}.attn.c_proj.weight", "blk.{}.attn_output.weight"},
                               {Role::output_bias, "h.{}.attn.c_proj.bias", "blk.{}.attn_output.bias"},
                               {Role::up, "h.{}.mlp.c_fc.weight", "blk.{}.ffn_up.weight"},
                               {Role::up_bias, "h.{}.mlp.c_fc.bias", "blk.{}.ffn_up.bias"},
                               {Role::down, "h.{}.mlp.c_proj.weight", "blk.{}.ffn_down.weight"},
                               {Role::down_bias, "h.{}.mlp.c_proj.bias", "blk.{}.ffn_down.bias"}});

}  // namespace

constexpr Family kGpt2 = {.name = "gpt2",
                          .architecture = "GPT2LMHeadModel",
                          .gguf = "gpt2",
                          .read_json = read_json,
                          .read_gguf = read_gguf,
                          .inert_keys = kInert,
                          .keys_at_rest = kAtRest,
                          .tensors = kTensors,
                          .constants = kConstants};

}  // namespace idleheads
