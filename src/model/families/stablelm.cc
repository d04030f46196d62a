// StableLM 2 and StableLM 3B: LayerNorm with biases, a gated MLP, RoPE on a quarter of each head; some run
// attention and MLP side by side behind one norm.
#include <array>

#include "model/families/common.h"

namespace idleheads {
namespace {

void read_json(JsonReader& reader, ModelSpec& spec) {
  LayerSpec layer = read_normed_layer(reader, layer_norm(reader.number("layer_norm_eps")), spec);
  layer.parallel = layer.shared_norm = reader.boolean("use_parallel_residual", false);
  if (layer.shared_norm) layer.mlp_norm = {};
  layer.attention.qkv_bias = reader.boolean("use_qkv_bias", false);
  layer.attention.rope = add_rope(
      reader, {.head_dim = layer.attention.head_dim, .partial = true, .partial_if_absent = 0.25}, spec);
  repeat_layer(reader, layer, spec);
}

void read_gguf(GgufReader& reader, ModelSpec& spec) {
  LayerSpec layer = read_normed_layer(reader, read_layer_norm(reader), spec);
  layer.parallel = layer.shared_norm = reader.boolean("use_parallel_residual", false);
  if (layer.shared_norm) layer.mlp_norm = {};
  layer.attention.rope = add_rope(reader, {.head_dim = layer.attention.head_dim, .partial = true}, spec);
  repeat_layer(reader, layer, spec);
}

constexpr auto kAtRest = std::to_array<KeyAtRest>({{"qk_layernorm", false}});

}  // namespace

constexpr Family kStableLm = {.name = "stablelm",
                              .architecture = "StableLmForCausalLM",
                              .gguf = "stablelm",
                              .read_json = read_json,
                              .read_gguf = read_gguf,
                              .keys_at_rest = kAtRest};

}  // namespace idleheads
