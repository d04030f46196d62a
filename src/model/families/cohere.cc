// Command R, Aya (cohere) and Command R7B, Command A (cohere2): attention and MLP side by side behind one
// LayerNorm, and a RoPE that turns neighbours. Command R+ has a norm of each query and key head. cohere2 has
// RoPE and a window in three of four layers, the others see everything and have none.
#include <array>

#include "model/families/common.h"

namespace idleheads {
namespace {

LayerSpec read_layer(JsonReader& reader, ModelSpec& spec) {
  read_model_sizes(reader, spec, true);
  LayerSpec layer = read_layer_sizes(reader, spec);
  spec.final_norm = layer.attention_norm = layer_norm(reader.number("layer_norm_eps"), false);
  layer.parallel = layer.shared_norm = true;
  read_attention_bias(reader, layer.attention);
  spec.logit_multiplier = static_cast<float>(reader.number("logit_scale", 0.0625));
  spec.storage.interleaved_rope = true;
  return layer;
}

void read_json(JsonReader& reader, ModelSpec& spec) {
  LayerSpec layer = read_layer(reader, spec);
  if (reader.boolean("use_qk_norm", false)) set_head_norms(layer);
  layer.attention.rope = read_only_rope(reader, layer.attention.head_dim, spec);
  repeat_layer(reader, layer, spec);
}

// Published files hold what Cohere's own code read; transformers has no choice there.
void check_own_keys(JsonReader& reader, int64_t pattern, const ModelSpec& spec) {
  if (reader.integer("layer_switch", pattern) != pattern)
    reader.wrong("layer_switch", "sliding_window_pattern");
  if (reader.boolean("use_embedding_sharing", spec.tied_embeddings) != spec.tied_embeddings)
    reader.wrong("use_embedding_sharing", "tie_word_embeddings");
  const auto expect = [&](const char* key, std::string_view value) {
    if (reader.text(key, value) != value) reader.wrong(key, value);
  };
  expect("order_of_interleaved_layers", "local_attn_first");
  expect("position_embedding_type", "rope_gptj");
}

void read_json2(JsonReader& reader, ModelSpec& spec) {
  LayerSpec layer = read_layer(reader, spec);
  const int rope = add_rope(reader, {.head_dim = layer.attention.head_dim}, spec);
  repeat_layer(reader, layer, spec);
  const int64_t pattern = read_window_pattern(reader, 4);
  check_own_keys(reader, pattern, spec);
  set_windows(reader, read_window(reader, "sliding_window", 4096), all_but_every(pattern), spec);
  set_rope_of_windows(rope, spec);
}

LayerSpec read_layer(GgufReader& reader, ModelSpec& spec) {
  read_model_sizes(reader, spec);
  LayerSpec layer = read_layer_sizes(reader, spec);
  spec.final_norm = layer.attention_norm = read_layer_norm(reader, false);
  layer.parallel = layer.shared_norm = true;
  spec.logit_multiplier = static_cast<float>(reader.number("logit_scale"));
  spec.storage.interleaved_rope = true;
  return layer;
}

void read_gguf(GgufReader& reader, ModelSpec& spec) {
  LayerSpec layer = read_layer(reader, spec);
  if (has_tensor(reader, Role::query_norm)) set_head_norms(layer);
  layer.attention.rope = add_rope(reader, {.head_dim = layer.attention.head_dim}, spec);
  repeat_layer(reader, layer, spec);
}

void read_gguf2(GgufReader& reader, ModelSpec& spec) {
  const LayerSpec layer = read_layer(reader, spec);
  const int rope = add_rope(reader, {.head_dim = layer.attention.head_dim}, spec);
  repeat_layer(reader, layer, spec);
  set_windows(reader, reader.integer("attention.sliding_window"), all_but_every(4), spec);
  set_rope_of_windows(rope, spec);
}

constexpr auto kInert = std::to_array<std::string_view>({"cache_implementation"});
constexpr auto kInert2 = std::to_array<std::string_view>({"cache_implementation", "use_parallel_embedding"});
constexpr auto kAtRest = std::to_array<KeyAtRest>(
    {{"use_qk_norm", false}, {"use_gated_activation", true}, {"use_parallel_block", true}});

}  // namespace

constexpr Family kCohere = {.name = "cohere",
                            .architecture = "CohereForCausalLM",
                            .gguf = "command-r",
                            .read_json = read_json,
                            .read_gguf = read_gguf,
                            .inert_keys = kInert};

constexpr Family kCohere2 = {.name = "cohere2",
                             .architecture = "Cohere2ForCausalLM",
                             .gguf = "cohere2",
                             .read_json = read_json2,
                             .read_gguf = read_gguf2,
                             .inert_keys = kInert2,
                             .keys_at_rest = kAtRest};

}  // namespace idleheads
