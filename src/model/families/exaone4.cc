// EXAONE 4: norms behind attention and MLP and of every query and key head; where there is a window, three of
// four layers have it, and the others have no RoPE.
#include <algorithm>
#include <array>

#include "idleheads/base/error.h"
#include "model/families/common.h"

namespace idleheads {
namespace {

// "LLLG": local and global layers in turn.
std::string read_pattern(JsonReader& reader) {
  const Json* value = reader.json().contains("sliding_window_pattern")
                          ? &reader.json().at("sliding_window_pattern")
                          : nullptr;
  if (!reader.has("sliding_window_pattern")) return "LLLG";
  if (value->is_number_integer()) {
    constexpr int64_t kMost = 4097;  // more than there are layers
    const int64_t every = std::clamp<int64_t>(reader.integer("sliding_window_pattern"), 1, kMost);
    return std::string(static_cast<size_t>(every) - 1, 'L') + "G";
  }
  const std::string pattern = reader.text("sliding_window_pattern", "LLLG");
  if (pattern.empty() || pattern.find_first_not_of("LG") != std::string::npos)
    reader.wrong("sliding_window_pattern", "L and G");
  return pattern;
}

void read_json(JsonReader& reader, ModelSpec& spec) {
  reader.require_named("sliding_window");  // 4096 where it is missing, whatever the model
  read_model_sizes(reader, spec);
  LayerSpec layer = read_layer_sizes(reader, spec);
  const NormSpec norm = rms_norm(reader.number("rms_norm_eps"));
  spec.final_norm = layer.attention_post_norm = layer.mlp_post_norm = layer.attention.qk_norm = norm;
  layer.attention.qk_norm_over = AttentionSpec::QkNorm::head;
  layer.attention.rope = add_rope(reader, {.head_dim = layer.attention.head_dim}, spec);
  repeat_layer(reader, layer, spec);
  const int64_t window = read_window(reader, "sliding_window", 0);
  const std::string pattern = read_pattern(reader);
  // The last layer sees everything, whatever the pattern.
  const auto local = [&](size_t l) {
    return pattern[l % pattern.size()] == 'L' && l + 1 < spec.layers.size();
  };
  set_windows(reader, window, local, spec);
  for (LayerSpec& of_spec : spec.layers) {
    if (window > 0 && of_spec.attention.window == 0) of_spec.attention.rope = -1;
  }
}

void read_gguf(GgufReader& reader, ModelSpec& spec) {
  read_model_sizes(reader, spec);
  LayerSpec layer = read_layer_sizes(reader, spec);
  const NormSpec norm = read_rms_norm(reader);
  spec.final_norm = layer.attention_post_norm = layer.mlp_post_norm = layer.attention.qk_norm = norm;
  layer.attention.qk_norm_over = AttentionSpec::QkNorm::head;
  layer.attention.rope = add_rope(reader, {.head_dim = layer.attention.head_dim}, spec);
  repeat_layer(reader, layer, spec);
  const int window = reader.integer("attention.sliding_window", 0);
  if (window == 0) return;
  set_windows(reader, window, all_but_every(4), spec);
  for (LayerSpec& of_spec : spec.layers) {
    if (of_spec.attention.window == 0) of_spec.attention.rope = -1;
  }
}

constexpr auto kInert =
    std::to_array<std::string_view>({"cache_implementation", "attention_bias", "mlp_bias"});

}  // namespace

constexpr Family kExaone4 = {.name = "exaone4",
                             .architecture = "Exaone4ForCausalLM",
                             .gguf = "exaone4",
                             .read_json = read_json,
                             .read_gguf = read_gguf,
                             .inert_keys = kInert};

}  // namespace idleheads
