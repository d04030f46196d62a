// The first OLMo: LayerNorm without weights, and Q, K and V clamped.
#include <array>

#include "model/families/common.h"

namespace idleheads {
namespace {

void read_json(JsonReader& reader, ModelSpec& spec) {
  constexpr double kEpsilon = 1e-5;  // fixed in transformers
  read_model_sizes(reader, spec);
  LayerSpec layer = read_layer_sizes(reader, spec);
  NormSpec norm = layer_norm(kEpsilon, false);
  norm.weight = false;
  set_pre_norms(norm, layer, spec);
  read_attention_bias(reader, layer.attention);
  layer.attention.clip = static_cast<float>(reader.number("clip_qkv", 0));
  layer.attention.rope = read_only_rope(reader, layer.attention.head_dim, spec);
  repeat_layer(reader, layer, spec);
}

void read_gguf(GgufReader& reader, ModelSpec& spec) {
  read_model_sizes(reader, spec);
  LayerSpec layer = read_layer_sizes(reader, spec);
  NormSpec norm = read_layer_norm(reader, false);
  norm.weight = false;
  set_pre_norms(norm, layer, spec);
  layer.attention.clip = static_cast<float>(reader.number("attention.clamp_kqv", 0));
  layer.attention.rope = add_rope(reader, {.head_dim = layer.attention.head_dim}, spec);
  repeat_layer(reader, layer, spec);
  spec.storage.interleaved_rope = true;
}

constexpr auto kInert = std::to_array<std::string_view>({"mlp_bias"});

}  // namespace

constexpr Family kOlmo = {.name = "olmo",
                          .architecture = "OlmoForCausalLM",
                          .gguf = "olmo",
                          .read_json = read_json,
                          .read_gguf = read_gguf,
                          .inert_keys = kInert};

}  // namespace idleheads
