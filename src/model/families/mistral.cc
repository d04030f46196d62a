// Mistral 7B and what else is saved as MistralForCausalLM: Llama without biases, with a window in all layers
// of the first version. In GGUF they are written as Llama, which does not say that there is a window.
#include <array>

#include "model/families/common.h"

namespace idleheads {
namespace {

void read_json(JsonReader& reader, ModelSpec& spec) {
  reader.require_named("num_key_value_heads");  // 8 and 4096 where they are missing, whatever the model
  reader.require_named("sliding_window");
  LayerSpec layer = read_normed_layer(reader, rms_norm(reader.number("rms_norm_eps")), spec);
  layer.attention.window = read_window(reader, "sliding_window", 0);
  layer.attention.rope = read_only_rope(reader, layer.attention.head_dim, spec);
  repeat_layer(reader, layer, spec);
}

constexpr auto kInert = std::to_array<std::string_view>({"attention_bias", "mlp_bias", "max_window_layers"});
constexpr auto kAtRest =
    std::to_array<KeyAtRest>({{"use_qk_norm", false}, {"qk_layernorm", false}, {"qk_layer_norms", false}});

}  // namespace

constexpr Family kMistral = {.name = "mistral",
                             .architecture = "MistralForCausalLM",
                             .gguf = {},
                             .read_json = read_json,
                             .read_gguf = nullptr,
                             .inert_keys = kInert,
                             .keys_at_rest = kAtRest};

}  // namespace idleheads
