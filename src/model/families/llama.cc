// Llama 2 and 3, SmolLM2, and what else is saved as LlamaForCausalLM.
#include <array>

#include "model/families/common.h"

namespace idleheads {
namespace {

void read_json(JsonReader& reader, ModelSpec& spec) {
  read_model_sizes(reader, spec);
  LayerSpec layer = read_layer_sizes(reader, spec);
  read_pre_norms(reader, layer, spec);
  layer.attention.qkv_bias = layer.attention.output_bias = reader.boolean("attention_bias", false);
  layer.mlp.bias = reader.boolean("mlp_bias", false);
  layer.attention.rope =
      read_only_rope(reader, read_layer_types(reader, {"full_attention"}), layer.attention.head_dim, spec);
  repeat_layer(reader, layer, spec);
}

void read_gguf(GgufReader& reader, ModelSpec& spec) {
  read_model_sizes(reader, spec);
  LayerSpec layer = read_layer_sizes(reader, spec);
  read_pre_norms(reader, layer, spec);
  layer.attention.rope = read_only_rope(reader, layer.attention.head_dim, spec);
  repeat_layer(reader, layer, spec);
}

constexpr auto kInert = std::to_array<std::string_view>({"sliding_window", "max_window_layers"});
constexpr auto kAtRest =
    std::to_array<KeyAtRest>({{"use_qk_norm", false}, {"qk_layernorm", false}, {"qk_layer_norms", false}});

}  // namespace

constexpr Family kLlama = {.name = "llama",
                           .architecture = "LlamaForCausalLM",
                           .gguf = "llama",
                           .read_json = read_json,
                           .read_gguf = read_gguf,
                           .old_architecture = "LLaMAForCausalLM",
                           .inert_keys = kInert,
                           .keys_at_rest = kAtRest,
                           .gguf_permutes_qk = true};

}  // namespace idleheads
