// Qwen2 and Qwen2.5: Llama with biases of Q, K and V, and a window in the upper layers of a few.
#include <array>

#include "model/families/common.h"

namespace idleheads {
namespace {

void read_json(JsonReader& reader, ModelSpec& spec) {
  reader.require_named("num_key_value_heads");  // 32 where it is missing, whatever the model
  LayerSpec layer = read_normed_layer(reader, rms_norm(reader.number("rms_norm_eps")), spec);
  layer.attention.qkv_bias = true;
  layer.attention.rope = add_rope(reader, {.head_dim = layer.attention.head_dim}, spec);
  repeat_layer(reader, layer, spec);
  read_qwen_window(reader, spec);
}

void read_gguf(GgufReader& reader, ModelSpec& spec) {
  LayerSpec layer = read_normed_layer(reader, read_rms_norm(reader), spec);
  layer.attention.qkv_bias = true;
  layer.attention.rope = add_rope(reader, {.head_dim = layer.attention.head_dim}, spec);
  repeat_layer(reader, layer, spec);
}

constexpr auto kInert = std::to_array<std::string_view>({"attention_bias", "mlp_bias"});
constexpr auto kAtRest = std::to_array<KeyAtRest>({{"use_qk_norm", false}, {"qk_layernorm", false}});

}  // namespace

constexpr Family kQwen2 = {.name = "qwen2",
                           .architecture = "Qwen2ForCausalLM",
                           .gguf = "qwen2",
                           .read_json = read_json,
                           .read_gguf = read_gguf,
                           .inert_keys = kInert,
                           .keys_at_rest = kAtRest};

}  // namespace idleheads
