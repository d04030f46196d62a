#include "model/per_layer_config.h"

#include <fmt/format.h>

#include <charconv>
#include <set>

#include "base/fail.h"

namespace idleheads {
namespace {

constexpr const char* kKey = "per_layer_config";

// transformers writes numbers of one length: "03".
size_t layer_number(const std::string& text, size_t layers, const JsonReader& config) {
  size_t layer = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), layer);
  if (error != std::errc() || end != text.data() + text.size() || layer >= layers) {
    fail("{}: {} has layer '{}', expected 0 to {}", config.name(), kKey, printable(text), layers - 1);
  }
  return layer;
}

bool skips_attention(JsonReader& layer) {
  const std::vector<std::string> skipped = layer.texts("skip");
  for (const std::string& part : skipped) {
    if (part != "attention")
      layer.wrong("skip", "[\"attention\"]; layers without other parts are not supported");
  }
  return !skipped.empty();
}

int read_count(JsonReader& layer, const char* key, int of_model) {
  const int64_t count = layer.integer(key, of_model);
  if (count == 0) layer.wrong(key, "at least 1; a layer without attention has \"skip\": [\"attention\"]");
  return static_cast<int>(count);
}

void read_layer(JsonReader& reader, LayerSpec& layer) {
  AttentionSpec& a = layer.attention;
  a.heads = read_count(reader, "num_attention_heads", a.heads);
  a.kv_heads = read_count(reader, "num_key_value_heads", a.kv_heads);
  if (skips_attention(reader)) {
    const int head_dim = a.head_dim;
    a = {};
    a.head_dim = head_dim;
    layer.attention_norm = layer.attention_post_norm = {};
  }
  reader.refuse_unread();
}

}  // namespace

std::string_view whole_model_type(std::string_view model_type) {
  if (model_type.starts_with(kCutPrefix)) model_type.remove_prefix(kCutPrefix.size());
  return model_type;
}

void read_per_layer_config(JsonReader& reader, ModelSpec& spec) {
  const Json* layers = reader.object(kKey);
  if (layers == nullptr) fail("{}: {} is missing", reader.name(), kKey);
  std::set<size_t> seen;
  for (const auto& [text, own] : layers->items()) {
    const size_t number = layer_number(text, spec.layers.size(), reader);
    if (!seen.insert(number).second) fail("{}: {} has layer {} twice", reader.name(), kKey, number);
    const std::string name = fmt::format("{}: {} of layer {}", reader.name(), kKey, number);
    JsonReader layer(own, name);
    read_layer(layer, spec.layers[number]);
  }
}

}  // namespace idleheads
