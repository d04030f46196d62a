// Llama 2 and 3, SmolLM2, and what else is saved as LlamaForCausalLM.
#include <array>

#include "model/families/common.h"

namespace idleheads {
namespace {

void read_json(JsonReader& reader, ModelSpec& spec) {
  LayerSpec layer = read_normed_layer(reader, rms_norm(reader.number("rms_norm_eps")), spec);
  read_attention_bias(reader, layer.attention);
  layer.mlp.bias = reader.boolean("mlp_bias", false);
  layer.attention.rope = read_only_rope(reader, layer.attention.head_dim, spec);
  repeat_layer(reader, layer, spec);
}

// Mixtral is written as Llama with experts, Mistral without its window.
void read_gguf(GgufReader& reader, ModelSpec& spec) {
  LayerSpec layer = read_normed_layer(reader, read_rms_norm(reader), spec);
  if (reader.integer("expert_count", 0) > 0) read_experts(reader, Router::softmax_of_chosen, layer.mlp, spec);
  layer.attention.rope = add_rope(reader, {.head_dim = layer.attention.head_dim}, spec);
  repeat_layer(reader, layer, spec);
  spec.storage.interleaved_rope = true;
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
                           .keys_at_rest = kAtRest};

}  // namespace idleheads
