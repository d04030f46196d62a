// OLMo 2: norms behind attention and MLP instead of before them, and of whole query and key rows.
#include <array>

#include "model/families/common.h"

namespace idleheads {
namespace {

void add_norms(LayerSpec& layer, ModelSpec& spec, const NormSpec& norm) {
  spec.final_norm = layer.attention_post_norm = layer.mlp_post_norm = layer.attention.qk_norm = norm;
  layer.attention.qk_norm_over = AttentionSpec::QkNorm::row;
}

void read_json(JsonReader& reader, ModelSpec& spec) {
  read_model_sizes(reader, spec);
  LayerSpec layer = read_layer_sizes(reader, spec);
  add_norms(layer, spec, rms_norm(reader.number("rms_norm_eps")));
  layer.attention.qkv_bias = layer.attention.output_bias = reader.boolean("attention_bias", false);
  layer.attention.rope =
      read_only_rope(reader, read_layer_types(reader, {"full_attention"}), layer.attention.head_dim, spec);
  repeat_layer(reader, layer, spec);
}

void read_gguf(GgufReader& reader, ModelSpec& spec) {
  read_model_sizes(reader, spec);
  LayerSpec layer = read_layer_sizes(reader, spec);
  add_norms(layer, spec, read_rms_norm(reader));
  layer.attention.rope = read_only_rope(reader, layer.attention.head_dim, spec);
  repeat_layer(reader, layer, spec);
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

}  // namespace idleheads
