#include <fmt/ranges.h>

#include <algorithm>
#include <array>

#include "base/fail.h"
#include "model/config_rope.h"
#include "model/families/common.h"

namespace idleheads {
namespace {

struct ActivationName {
  std::string_view name;
  Activation activation;
};

constexpr auto kActivations = std::to_array<ActivationName>({{"silu", Activation::silu},
                                                             {"swish", Activation::silu},
                                                             {"gelu", Activation::gelu},
                                                             {"gelu_fast", Activation::gelu_tanh},
                                                             {"gelu_new", Activation::gelu_tanh},
                                                             {"gelu_pytorch_tanh", Activation::gelu_tanh}});

}  // namespace

Activation read_activation(JsonReader& reader, const char* key, std::string_view absent) {
  const std::string name = reader.text(key, absent);
  const auto found = std::ranges::find(kActivations, name, &ActivationName::name);
  if (found == kActivations.end()) {
    fail("{}: {} '{}' is not supported; supported: silu, gelu, gelu_fast, gelu_new, gelu_pytorch_tanh",
         reader.name(), key, printable(name));
  }
  return found->activation;
}

AttentionSpec read_heads(JsonReader& reader, const ModelSpec& spec) {
  const std::string_view name = reader.name();
  AttentionSpec attention;
  attention.heads = static_cast<int>(reader.integer("num_attention_heads"));
  if (attention.heads < 1) fail("{}: num_attention_heads is {}", name, attention.heads);
  attention.kv_heads = static_cast<int>(reader.integer("num_key_value_heads", attention.heads));
  if (!reader.has("head_dim") && spec.hidden % attention.heads != 0) {
    fail("{}: hidden_size {} is not a multiple of num_attention_heads {}, and head_dim is missing", name,
         spec.hidden, attention.heads);
  }
  attention.head_dim = static_cast<int>(reader.integer("head_dim", spec.hidden / attention.heads));
  if (attention.head_dim < 1 || attention.head_dim > 4096)
    fail("{}: head_dim is {}, expected 1 to 4096", name, attention.head_dim);
  attention.scale = usual_scale(attention.head_dim);
  return attention;
}

void read_model_sizes(JsonReader& reader, ModelSpec& spec, bool tied_if_absent) {
  spec.hidden = static_cast<int>(reader.integer("hidden_size"));
  spec.vocabulary = static_cast<int>(reader.integer("vocab_size"));
  spec.context = reader.integer("max_position_embeddings");
  spec.tied_embeddings = reader.boolean("tie_word_embeddings", tied_if_absent);
}

LayerSpec read_layer_sizes(JsonReader& reader, const ModelSpec& spec) {
  LayerSpec layer;
  layer.attention = read_heads(reader, spec);
  layer.mlp.width = static_cast<int>(reader.integer("intermediate_size"));
  layer.mlp.activation = read_activation(reader, "hidden_act", "silu");
  return layer;
}

LayerSpec read_normed_layer(JsonReader& reader, const NormSpec& norm, ModelSpec& spec, bool tied_if_absent) {
  read_model_sizes(reader, spec, tied_if_absent);
  LayerSpec layer = read_layer_sizes(reader, spec);
  set_pre_norms(norm, layer, spec);
  return layer;
}

int add_rope(JsonReader& reader, RopeLayers layers, ModelSpec& spec) {
  layers.context = spec.context;
  return add_rope(read_rope(reader, layers), spec);
}

void repeat_layer(JsonReader& reader, const LayerSpec& layer, ModelSpec& spec) {
  const int64_t layers = reader.integer("num_hidden_layers");
  require_layer_count(layers, reader.name());
  spec.layers.assign(static_cast<size_t>(layers), layer);
}

std::vector<std::string> read_layer_types(JsonReader& reader, std::initializer_list<std::string_view> known) {
  std::vector<std::string> types = reader.texts("layer_types");
  for (const std::string& type : types) {
    if (std::ranges::find(known, type) == known.end()) {
      fail("{}: layer type '{}' is not supported; only {} is", reader.name(), printable(type),
           fmt::join(known, " or "));
    }
  }
  const auto layers = static_cast<size_t>(reader.integer("num_hidden_layers"));
  if (!types.empty() && types.size() != layers) {
    fail("{}: layer_types has {} entries, expected num_hidden_layers, {}", reader.name(), types.size(),
         layers);
  }
  return types;
}

int64_t read_window(JsonReader& reader, const char* key, int64_t absent) {
  if (reader.has(key)) {
    const int64_t window = reader.integer(key);
    if (window == 0) reader.wrong(key, "1 or more, or null for none");
    return window;
  }
  return reader.json().contains(key) ? 0 : absent;
}

int64_t read_window_pattern(JsonReader& reader, int64_t absent) {
  const int64_t newer = reader.integer("_sliding_window_pattern", absent);
  return std::max<int64_t>(1, reader.integer("sliding_window_pattern", newer));
}

int read_only_rope(JsonReader& reader, int head_dim, ModelSpec& spec) {
  const bool named = !read_layer_types(reader, {"full_attention"}).empty();
  return add_rope(reader, {.head_dim = head_dim, .by_type = named}, spec);
}

void read_attention_bias(JsonReader& reader, AttentionSpec& attention) {
  attention.qkv_bias = attention.output_bias = reader.boolean("attention_bias", false);
}

}  // namespace idleheads
