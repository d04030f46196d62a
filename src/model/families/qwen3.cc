// Qwen3, dense: Qwen2 without biases, with norms of every query and key head, and its own size of a head.
#include <array>

#include "model/config_rope.h"
#include "model/families/common.h"

namespace idleheads {
namespace {

void add_qk_norm(LayerSpec& layer) {
  layer.attention.qk_norm_over = AttentionSpec::QkNorm::head;
  layer.attention.qk_norm = layer.attention_norm;
}

void read_json(JsonReader& reader, ModelSpec& spec) {
  reader.require_named("num_key_value_heads");  // 32 and 128 where they are missing, whatever the model
  reader.require_named("head_dim");
  read_model_sizes(reader, spec);
  LayerSpec layer = read_layer_sizes(reader, spec);
  set_pre_norms(rms_norm(reader.number("rms_norm_eps")), layer, spec);
  add_qk_norm(layer);
  read_attention_bias(reader, layer.attention);
  layer.attention.rope =
      add_rope(read_rope(reader, {.head_dim = layer.attention.head_dim, .context = spec.context}), spec);
  repeat_layer(reader, layer, spec);
  read_qwen_window(reader, spec);
}

void read_gguf(GgufReader& reader, ModelSpec& spec) {
  read_model_sizes(reader, spec);
  LayerSpec layer = read_layer_sizes(reader, spec);
  set_pre_norms(read_rms_norm(reader), layer, spec);
  add_qk_norm(layer);
  layer.attention.rope = add_rope(reader, {.head_dim = layer.attention.head_dim}, spec);
  repeat_layer(reader, layer, spec);
}

constexpr auto kInert = std::to_array<std::string_view>({"mlp_bias"});

}  // namespace

constexpr Family kQwen3 = {.name = "qwen3",
                           .architecture = "Qwen3ForCausalLM",
                           .gguf = "qwen3",
                           .read_json = read_json,
                           .read_gguf = read_gguf,
                           .inert_keys = kInert};

}  // namespace idleheads
