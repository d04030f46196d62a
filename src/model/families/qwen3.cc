// Qwen3, dense: Qwen2 without biases, with norms of every query and key head, and its own size of a head.
#include <array>

#include "model/families/common.h"

namespace idleheads {
namespace {

void read_json(JsonReader& reader, ModelSpec& spec) {
  reader.require_named("num_key_value_heads");  // 32 and 128 where they are missing, whatever the model
  reader.require_named("head_dim");
  LayerSpec layer = read_normed_layer(reader, rms_norm(reader.number("rms_norm_eps")), spec);
  set_qk_norm(AttentionSpec::QkNorm::head, layer);
  read_attention_bias(reader, layer.attention);
  layer.attention.rope = add_rope(reader, {.head_dim = layer.attention.head_dim}, spec);
  repeat_layer(reader, layer, spec);
  read_qwen_window(reader, spec);
}

void read_gguf(GgufReader& reader, ModelSpec& spec) {
  LayerSpec layer = read_normed_layer(reader, read_rms_norm(reader), spec);
  set_qk_norm(AttentionSpec::QkNorm::head, layer);
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
