// Phi-3, Phi-3.5, Phi-4 and Phi-4-mini: Llama with Q, K and V in one tensor, gate and up in another, a window
// in all layers of some, and longrope in those for long contexts.
#include <array>

#include "model/config_rope.h"
#include "model/families/common.h"

namespace idleheads {
namespace {

void read_json(JsonReader& reader, ModelSpec& spec) {
  read_model_sizes(reader, spec);
  LayerSpec layer = read_layer_sizes(reader, spec);
  set_pre_norms(rms_norm(reader.number("rms_norm_eps")), layer, spec);
  layer.attention.window = read_window(reader, "sliding_window", 0);
  layer.attention.rope = add_rope(
      read_rope(reader, {.head_dim = layer.attention.head_dim, .context = spec.context, .partial = true}),
      spec);
  repeat_layer(reader, layer, spec);
  spec.storage.qkv = StorageSpec::Qkv::stacked;
  spec.storage.stacked_gate_up = true;
}

// What transformers reads of the original context stands in the rope where that is longrope.
constexpr auto kInert =
    std::to_array<std::string_view>({"attention_bias", "mlp_bias", "original_max_position_embeddings"});

}  // namespace

constexpr Family kPhi3 = {.name = "phi3",
                          .architecture = "Phi3ForCausalLM",
                          .gguf = {},
                          .read_json = read_json,
                          .read_gguf = nullptr,
                          .inert_keys = kInert};

}  // namespace idleheads
