// OLMo 2 and 3: norms behind attention and MLP instead of before them, and of whole query and key rows. OLMo
// 3 has a window in three of four layers, whose rope is not scaled.
#include <array>

#include "model/families/common.h"
#include "model/rope.h"

namespace idleheads {
namespace {

void add_norms(LayerSpec& layer, ModelSpec& spec, const NormSpec& norm) {
  spec.final_norm = layer.attention_post_norm = layer.mlp_post_norm = layer.attention.qk_norm = norm;
  layer.attention.qk_norm_over = AttentionSpec::QkNorm::row;
}

void use_unscaled_rope_in_windows(ModelSpec& spec) {
  RopeSpec plain;
  plain.theta = spec.ropes.front().theta;
  plain.inverse_frequencies = rope_frequencies(plain.theta, spec.ropes.front().rotated());
  const int local = add_rope(std::move(plain), spec);
  set_rope_of_windows(local, spec);
}

void read_json(JsonReader& reader, ModelSpec& spec) {
  read_model_sizes(reader, spec);
  LayerSpec layer = read_layer_sizes(reader, spec);
  add_norms(layer, spec, rms_norm(reader.number("rms_norm_eps")));
  read_attention_bias(reader, layer.attention);
  layer.attention.rope = read_only_rope(reader, layer.attention.head_dim, spec);
  repeat_layer(reader, layer, spec);
}

// OLMo 3 is written as OLMo 2 with a window.
void read_gguf(GgufReader& reader, ModelSpec& spec) {
  read_model_sizes(reader, spec);
  LayerSpec layer = read_layer_sizes(reader, spec);
  add_norms(layer, spec, read_rms_norm(reader));
  layer.attention.rope = add_rope(reader, {.head_dim = layer.attention.head_dim}, spec);
  repeat_layer(reader, layer, spec);
  const int window = reader.integer("attention.sliding_window", 0);
  if (window == 0) return;
  set_windows(reader, window, all_but_every(4), spec);
  use_unscaled_rope_in_windows(spec);
}

void read_olmo3_json(JsonReader& reader, ModelSpec& spec) {
  read_model_sizes(reader, spec);
  LayerSpec layer = read_layer_sizes(reader, spec);
  add_norms(layer, spec, rms_norm(reader.number("rms_norm_eps")));
  read_attention_bias(reader, layer.attention);
  layer.attention.rope = add_rope(reader, {.head_dim = layer.attention.head_dim, .by_type = true}, spec);
  repeat_layer(reader, layer, spec);
  set_windows(reader, read_window(reader, "sliding_window", 4096), all_but_every(4), spec);
  use_unscaled_rope_in_windows(spec);
}

constexpr auto kInert = std::to_array<std::string_view>({"mlp_bias"});
constexpr auto kAtRest = std::to_array<KeyAtRest>({{"use_qk_norm", true}});

}  // namespace

constexpr Family kOlmo2 = {.name = "olmo2",
                           .architecture = "Olmo2ForCausalLM",
                           .gguf = "olmo2",
                           .read_json = read_json,
                           .read_gguf = read_gguf,
                           .inert_keys = kInert,
                           .keys_at_rest = kAtRest};

constexpr Family kOlmo3 = {.name = "olmo3",
                           .architecture = "Olmo3ForCausalLM",
                           .gguf = {},
                           .read_json = read_olmo3_json,
                           .read_gguf = nullptr,
                           .inert_keys = kInert,
                           .keys_at_rest = kAtRest};

}  // namespace idleheads
