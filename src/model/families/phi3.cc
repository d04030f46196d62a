// Phi-3, Phi-3.5, Phi-4 and Phi-4-mini: Llama with Q, K and V in one tensor, gate and up in another, a window
// in all layers of some, and longrope in those for long contexts.
#include <array>

#include "model/families/common.h"

namespace idleheads {
namespace {

void read_json(JsonReader& reader, ModelSpec& spec) {
  LayerSpec layer = read_normed_layer(reader, rms_norm(reader.number("rms_norm_eps")), spec);
  layer.attention.window = read_window(reader, "sliding_window", 0);
  layer.attention.rope = add_rope(reader, {.head_dim = layer.attention.head_dim, .partial = true}, spec);
  repeat_layer(reader, layer, spec);
  spec.storage.qkv = StorageSpec::Qkv::stacked;
  spec.storage.stacked_gate_up = true;
}

// llama.cpp chooses the factors by the context of a run, transformers by the length of a sample, as here.
void read_longrope(GgufReader& reader, RopeSpec& rope) {
  const Tensor* short_factors = reader.find_tensor("rope_factors_short.weight");
  const Tensor* long_factors = reader.find_tensor("rope_factors_long.weight");
  rope.magnitude = static_cast<float>(reader.number("rope.scaling.attn_factor", 1));
  const int original = reader.integer("rope.scaling.original_context_length", 0);
  if (short_factors == nullptr || long_factors == nullptr) return;
  rope.long_from = original;
  rope.long_inverse_frequencies = rope.inverse_frequencies;
  const auto divide = [&](const Tensor& factors, std::vector<float>& frequencies) {
    const std::vector<float> values = read_rope_tensor(reader, factors, rope.rotated());
    for (size_t i = 0; i < values.size(); ++i) frequencies[i] /= values[i];
  };
  divide(*short_factors, rope.inverse_frequencies);
  divide(*long_factors, rope.long_inverse_frequencies);
}

void read_gguf(GgufReader& reader, ModelSpec& spec) {
  LayerSpec layer = read_normed_layer(reader, read_rms_norm(reader), spec);
  layer.mlp.gated = true;
  layer.mlp.width = reader.integer("feed_forward_length");
  layer.attention.window = reader.integer("attention.sliding_window", 0);
  layer.attention.rope =
      add_rope(reader, {.head_dim = layer.attention.head_dim, .partial = true, .scaled = false}, spec);
  read_longrope(reader, spec.ropes.front());
  repeat_layer(reader, layer, spec);
  spec.storage.stacked_gate_up = true;
}

// What transformers reads of the original context stands in the rope where that is longrope.
constexpr auto kInert =
    std::to_array<std::string_view>({"attention_bias", "mlp_bias", "original_max_position_embeddings"});

// What Phi-4-mini's own code would have; transformers has none of it.
constexpr auto kAtRest = std::to_array<KeyAtRest>({{"full_attn_mod", 1.0}, {"interpolate_factor", 1.0}});
constexpr auto kConstants =
    std::to_array<std::string_view>({"rope_factors_long.weight", "rope_factors_short.weight"});

}  // namespace

constexpr Family kPhi3 = {.name = "phi3",
                          .architecture = "Phi3ForCausalLM",
                          .gguf = "phi3",
                          .read_json = read_json,
                          .read_gguf = read_gguf,
                          .inert_keys = kInert,
                          .keys_at_rest = kAtRest,
                          .constants = kConstants};

}  // namespace idleheads
