#include <algorithm>

#include "base/error.h"
#include "model/config_rope.h"
#include "model/families/common.h"

namespace idleheads {
namespace {

void require_silu(JsonReader& reader) {
  const std::string activation = reader.text("hidden_act", "silu");
  if (activation != "silu" && activation != "swish") {
    fail("{}: hidden_act '{}' is not supported; supported: silu", reader.name(), printable(activation));
  }
}

void read_heads(JsonReader& reader, const ModelSpec& spec, AttentionSpec& attention) {
  const std::string_view name = reader.name();
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
}

}  // namespace

void read_model_sizes(JsonReader& reader, ModelSpec& spec, bool tied_if_absent) {
  spec.hidden = static_cast<int>(reader.integer("hidden_size"));
  spec.vocabulary = static_cast<int>(reader.integer("vocab_size"));
  spec.context = reader.integer("max_position_embeddings");
  spec.tied_embeddings = reader.boolean("tie_word_embeddings", tied_if_absent);
}

LayerSpec read_layer_sizes(JsonReader& reader, const ModelSpec& spec) {
  LayerSpec layer;
  read_heads(reader, spec, layer.attention);
  layer.mlp.width = static_cast<int>(reader.integer("intermediate_size"));
  require_silu(reader);
  return layer;
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

int read_only_rope(JsonReader& reader, const std::vector<std::string>& layer_types, int rotated,
                   ModelSpec& spec) {
  spec.ropes.push_back(read_rope(reader, layer_types, rotated));
  return static_cast<int>(spec.ropes.size()) - 1;
}

void read_pre_norms(JsonReader& reader, LayerSpec& layer, ModelSpec& spec) {
  spec.final_norm = layer.attention_norm = layer.mlp_norm = rms_norm(reader.number("rms_norm_eps"));
}

}  // namespace idleheads
