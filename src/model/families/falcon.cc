// Falcon: attention and a plain MLP side by side with LayerNorm, Q, K and V in one tensor by key/value head.
// Falcon 40B has a norm for each of the two, Falcon 7B one for both and one key/value head, Falcon RW runs
// them one after the other (and has no RoPE but ALiBi, which is refused).
#include <array>

#include "model/families/common.h"

namespace idleheads {
namespace {

AttentionSpec read_attention(JsonReader& reader, const ModelSpec& spec, bool is_new) {
  AttentionSpec a;
  const char* key =
      reader.has("n_head") && !reader.has("num_attention_heads") ? "n_head" : "num_attention_heads";
  const int64_t heads = reader.integer(key);
  if (heads < 1 || spec.hidden % heads != 0) reader.wrong(key, "a divisor of hidden_size");
  a.heads = static_cast<int>(heads);
  const int64_t kv_heads = reader.integer("num_kv_heads", reader.integer("n_head_kv", heads));
  const bool multi_query = reader.boolean("multi_query", true);
  a.kv_heads = static_cast<int>(is_new ? kv_heads : multi_query ? 1 : heads);
  a.head_dim = spec.hidden / a.heads;
  a.scale = usual_scale(a.head_dim);
  return a;
}

void set_norms(JsonReader& reader, bool is_new, LayerSpec& layer, ModelSpec& spec) {
  set_pre_norms(layer_norm(reader.number("layer_norm_epsilon", 1e-5)), layer, spec);
  const int64_t norms = reader.integer("num_ln_in_parallel_attn", is_new ? 2 : 1);
  layer.parallel = reader.boolean("parallel_attn", true) || is_new;
  layer.shared_norm = layer.parallel && norms == 1;
  if (layer.shared_norm) layer.mlp_norm = {};
  if (layer.parallel && norms == 2 && !is_new) reader.wrong("num_ln_in_parallel_attn", "1");
}

constexpr auto kTwoNorms = std::to_array<TensorName>(
    {{Role::attention_norm, "transformer.h.{}.ln_attn.weight", "blk.{}.attn_norm_2.weight"},
     {Role::attention_norm_bias, "transformer.h.{}.ln_attn.bias", "blk.{}.attn_norm_2.bias"},
     {Role::mlp_norm, "transformer.h.{}.ln_mlp.weight", "blk.{}.attn_norm.weight"},
     {Role::mlp_norm_bias, "transformer.h.{}.ln_mlp.bias", "blk.{}.attn_norm.bias"}});

void read_json(JsonReader& reader, ModelSpec& spec) {
  spec.hidden = static_cast<int>(reader.integer("hidden_size"));
  spec.vocabulary = static_cast<int>(reader.integer("vocab_size"));
  spec.context = reader.integer("max_position_embeddings", 2048);
  spec.tied_embeddings = reader.boolean("tie_word_embeddings", true);
  const bool is_new = reader.boolean("new_decoder_architecture", false);
  LayerSpec layer;
  layer.attention = read_attention(reader, spec, is_new);
  layer.mlp.width = static_cast<int>(reader.integer("ffn_hidden_size", int64_t{4} * spec.hidden));
  layer.mlp.activation = read_activation(reader, "activation", "gelu");
  layer.mlp.gated = false;
  set_norms(reader, is_new, layer, spec);
  layer.attention.qkv_bias = layer.attention.output_bias = layer.mlp.bias = reader.boolean("bias", false);
  layer.attention.rope = read_only_rope(reader, layer.attention.head_dim, spec);
  const int64_t layers = reader.integer("num_hidden_layers", reader.integer("n_layer", 0));
  require_layer_count(layers, reader.name());
  spec.layers.assign(static_cast<size_t>(layers), layer);
  spec.storage.qkv = StorageSpec::Qkv::by_group;
  if (layer.parallel && !layer.shared_norm) spec.storage.names = kTwoNorms;
}

void read_gguf(GgufReader& reader, ModelSpec& spec) {
  LayerSpec layer = read_normed_layer(reader, read_layer_norm(reader), spec);
  layer.mlp.activation = Activation::gelu;
  layer.parallel = true;
  layer.shared_norm = reader.find_tensor("blk.0.attn_norm_2.weight") == nullptr;
  if (layer.shared_norm) layer.mlp_norm = {};
  if (!layer.shared_norm) spec.storage.names = kTwoNorms;
  layer.attention.rope = add_rope(reader, {.head_dim = layer.attention.head_dim}, spec);
  repeat_layer(reader, layer, spec);
}

constexpr auto kInert = std::to_array<std::string_view>({"intermediate_size"});
constexpr auto kAtRest = std::to_array<KeyAtRest>({{"apply_residual_connection_post_layernorm", false}});
constexpr auto kTensors = std::to_array<TensorName>(
    {{Role::token_embedding, "transformer.word_embeddings.weight", "token_embd.weight"},
     {Role::final_norm, "transformer.ln_f.weight", "output_norm.weight"},
     {Role::final_norm_bias, "transformer.ln_f.bias", "output_norm.bias"},
     {Role::attention_norm, "transformer.h.{}.input_layernorm.weight", "blk.{}.attn_norm.weight"},
     {Role::attention_norm_bias, "transformer.h.{}.input_layernorm.bias", "blk.{}.attn_norm.bias"},
     {Role::mlp_norm, "transformer.h.{}.post_attention_layernorm.weight", "blk.{}.attn_norm_2.weight"},
     {Role::mlp_norm_bias, "transformer.h.{}.post_attention_layernorm.bias", "blk.{}.attn_norm_2.bias"},
     {Role::qkv, "transformer.h.{}.self_attention.query_key_value.weight", "blk.{}.attn_qkv.weight"},
     {Role::qkv_bias, "transformer.h.{}.self_attention.query_key_value.bias", "blk.{}.attn_qkv.bias"},
     {Role::output, "transformer.h.{}.self_attention.dense.weight", "blk.{}.attn_output.weight"},
     {Role::output_bias, "transformer.h.{}.self_attention.dense.bias", "blk.{}.attn_output.bias"},
     {Role::up, "transformer.h.{}.mlp.dense_h_to_4h.weight", "blk.{}.ffn_up.weight"},
     {Role::up_bias, "transformer.h.{}.mlp.dense_h_to_4h.bias", "blk.{}.ffn_up.bias"},
     {Role::down, "transformer.h.{}.mlp.dense_4h_to_h.weight", "blk.{}.ffn_down.weight"},
     {Role::down_bias, "transformer.h.{}.mlp.dense_4h_to_h.bias", "blk.{}.ffn_down.bias"}});

}  // namespace

constexpr Family kFalcon = {.name = "falcon",
                            .architecture = "FalconForCausalLM",
                            .gguf = "falcon",
                            .read_json = read_json,
                            .read_gguf = read_gguf,
                            .inert_keys = kInert,
                            .keys_at_rest = kAtRest,
                            .tensors = kTensors};

}  // namespace idleheads
