// SmolLM3: Llama with every fourth layer without RoPE.
#include <array>

#include "base/fail.h"
#include "model/families/common.h"

namespace idleheads {
namespace {

// One a layer: 1 with RoPE, 0 without.
std::vector<double> read_ropes(JsonReader& reader, size_t layers) {
  const int64_t interval = std::max<int64_t>(1, reader.integer("no_rope_layer_interval", 4));
  std::vector<double> has_rope;
  if (reader.has("no_rope_layers")) has_rope = reader.numbers("no_rope_layers");
  if (has_rope.empty()) {
    for (size_t l = 0; l < layers; ++l) has_rope.push_back((static_cast<int64_t>(l) + 1) % interval != 0);
  }
  if (has_rope.size() != layers)
    fail("{}: no_rope_layers has {} entries, expected {}", reader.name(), has_rope.size(), layers);
  return has_rope;
}

void read_json(JsonReader& reader, ModelSpec& spec) {
  reader.require_named("num_key_value_heads");  // 4 where it is missing, whatever the model
  LayerSpec layer = read_normed_layer(reader, rms_norm(reader.number("rms_norm_eps")), spec, true);
  read_attention_bias(reader, layer.attention);
  layer.mlp.bias = reader.boolean("mlp_bias", false);
  layer.attention.rope =
      add_rope(reader, {.head_dim = layer.attention.head_dim, .theta_if_absent = 2e6}, spec);
  repeat_layer(reader, layer, spec);
  const std::vector<double> has_rope = read_ropes(reader, spec.layers.size());
  for (size_t l = 0; l < has_rope.size(); ++l) {
    if (has_rope[l] == 0) spec.layers[l].attention.rope = -1;
  }
  const int64_t window = read_window(reader, "sliding_window", 0);
  const bool slides = reader.boolean("use_sliding_window", false);
  set_windows(
      reader, slides ? window : 0, [&](size_t l) { return has_rope[l] == 0; }, spec);
}

// llama.cpp has no key for the layers without RoPE.
void read_gguf(GgufReader& reader, ModelSpec& spec) {
  LayerSpec layer = read_normed_layer(reader, read_rms_norm(reader), spec);
  layer.attention.rope = add_rope(reader, {.head_dim = layer.attention.head_dim}, spec);
  repeat_layer(reader, layer, spec);
  for (size_t l = 3; l < spec.layers.size(); l += 4) spec.layers[l].attention.rope = -1;
  spec.storage.interleaved_rope = true;
}

constexpr auto kInert = std::to_array<std::string_view>({"max_window_layers"});

}  // namespace

constexpr Family kSmolLm3 = {.name = "smollm3",
                             .architecture = "SmolLM3ForCausalLM",
                             .gguf = "smollm3",
                             .read_json = read_json,
                             .read_gguf = read_gguf,
                             .inert_keys = kInert};

}  // namespace idleheads
