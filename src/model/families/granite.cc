// Granite 3, dense: Llama with multipliers of embeddings, scores, what is added to the residual stream, and
// logits.
#include "model/families/common.h"

namespace idleheads {
namespace {

float multiplier(JsonReader& reader, const char* key) {
  const double value = reader.number(key, 1);
  if (!(value > 0)) reader.wrong(key, "more than 0");
  return static_cast<float>(value);
}

void read_json(JsonReader& reader, ModelSpec& spec) {
  LayerSpec layer = read_normed_layer(reader, rms_norm(reader.number("rms_norm_eps")), spec);
  read_attention_bias(reader, layer.attention);
  layer.mlp.bias = reader.boolean("mlp_bias", false);
  layer.attention.scale = multiplier(reader, "attention_multiplier");  // instead of 1 / sqrt(head_dim)
  layer.residual_multiplier = multiplier(reader, "residual_multiplier");
  spec.embedding_multiplier = multiplier(reader, "embedding_multiplier");
  spec.logit_multiplier = 1 / multiplier(reader, "logits_scaling");
  layer.attention.rope = read_only_rope(reader, layer.attention.head_dim, spec);
  repeat_layer(reader, layer, spec);
}

// 0 stands for "not given" in llama.cpp.
float scale_or(GgufReader& reader, const char* key, float absent) {
  const auto value = static_cast<float>(reader.number(key, absent));
  return value == 0 ? absent : value;
}

void read_gguf(GgufReader& reader, ModelSpec& spec) {
  LayerSpec layer = read_normed_layer(reader, read_rms_norm(reader), spec);
  layer.attention.scale = scale_or(reader, "attention.scale", layer.attention.scale);
  layer.residual_multiplier = scale_or(reader, "residual_scale", 1);
  spec.embedding_multiplier = scale_or(reader, "embedding_scale", 1);
  spec.logit_multiplier = 1 / scale_or(reader, "logit_scale", 1);
  layer.attention.rope = add_rope(reader, {.head_dim = layer.attention.head_dim}, spec);
  repeat_layer(reader, layer, spec);
  spec.storage.interleaved_rope = true;
}

}  // namespace

constexpr Family kGranite = {.name = "granite",
                             .architecture = "GraniteForCausalLM",
                             .gguf = "granite",
                             .read_json = read_json,
                             .read_gguf = read_gguf};

}  // namespace idleheads
