// llama.cpp's architecture for models whose layers have heads and MLPs of their own numbers and widths: Llama
// otherwise. What heads were cut from is written so; NVIDIA's models of that name also have layers of other
// kinds, which are refused.
#include "model/families/common.h"

namespace idleheads {
namespace {

struct LayerSizes {
  std::vector<int> heads, kv_heads, widths;  // by layer
};

[[noreturn]] void wrong_layer(const GgufReader& reader, const char* key, int value, size_t layer,
                              std::string_view expected) {
  reader.wrong(key, fmt::format("{} in layer {}", value, layer), expected);
}

void check_sizes(const GgufReader& reader, const LayerSizes& sizes) {
  constexpr const char *kHeads = "attention.head_count", *kKvHeads = "attention.head_count_kv";
  for (size_t l = 0; l < sizes.heads.size(); ++l) {
    const int heads = sizes.heads[l], kv_heads = sizes.kv_heads[l];
    if (l == 0 && heads == 0)
      wrong_layer(reader, kHeads, heads, l, "at least 1: the first layer needs attention");
    if (heads > 0 && kv_heads == 0)
      wrong_layer(reader, kKvHeads, kv_heads, l, "at least 1: linear attention is not supported");
    if (heads == 0 && kv_heads > 0)
      wrong_layer(reader, kKvHeads, kv_heads, l, "0, for the layer has no attention heads");
    if (heads > 0 && heads % kv_heads != 0)
      wrong_layer(reader, kHeads, heads, l, fmt::format("a multiple of its {} key/value heads", kv_heads));
    if (sizes.widths[l] == 0)
      wrong_layer(reader, "feed_forward_length", 0, l, "at least 1: layers without MLP are not supported");
  }
}

LayerSizes read_sizes(GgufReader& reader) {
  const int layers = reader.integer("block_count");
  require_layer_count(layers, reader.name());
  LayerSizes sizes;
  sizes.heads = reader.by_layer("attention.head_count", layers);
  sizes.kv_heads = reader.by_layer("attention.head_count_kv", sizes.heads);
  sizes.widths = reader.by_layer("feed_forward_length", layers);
  check_sizes(reader, sizes);
  return sizes;
}

void read_gguf(GgufReader& reader, ModelSpec& spec) {
  read_model_sizes(reader, spec);
  const LayerSizes sizes = read_sizes(reader);
  LayerSpec first;
  first.attention = read_heads(reader, sizes.heads[0], sizes.kv_heads[0], spec);
  first.attention.rope = add_rope(reader, {.head_dim = first.attention.head_dim}, spec);
  set_pre_norms(read_rms_norm(reader), first, spec);
  for (size_t l = 0; l < sizes.heads.size(); ++l) {
    const auto number = static_cast<int>(l);
    LayerSpec layer = first;
    layer.mlp.width = sizes.widths[l];
    layer.mlp.bias = has_tensor(reader, Role::up_bias, number);
    AttentionSpec& attention = layer.attention;
    attention.heads = sizes.heads[l];
    attention.kv_heads = sizes.kv_heads[l];
    attention.qkv_bias = attention.is_there() && has_tensor(reader, Role::query_bias, number);
    attention.output_bias = attention.is_there() && has_tensor(reader, Role::output_bias, number);
    if (!attention.is_there()) layer.attention_norm = {};
    spec.layers.push_back(std::move(layer));
  }
  spec.storage.interleaved_rope = true;
}

}  // namespace

constexpr Family kDeci = {
    .name = "deci", .architecture = {}, .gguf = "deci", .read_json = nullptr, .read_gguf = read_gguf};

}  // namespace idleheads
