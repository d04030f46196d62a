// What several families say in the same words.
#pragma once

#include <initializer_list>
#include <string>
#include <vector>

#include "model/config_rope.h"
#include "model/families/family.h"

namespace idleheads {

// 1 / sqrt(head_dim), in float32 as the kernels multiply.
float usual_scale(int head_dim);
NormSpec rms_norm(double epsilon);
NormSpec layer_norm(double epsilon, bool bias = true);
// Before attention, MLP and LM head.
void set_pre_norms(const NormSpec& norm, LayerSpec& layer, ModelSpec& spec);
// Of queries and keys, as before attention.
void set_qk_norm(AttentionSpec::QkNorm over, LayerSpec& layer);
// A LayerNorm of each query and key head with weights of its own and no biases, epsilon as before attention.
void set_head_norms(LayerSpec& layer);
int add_rope(RopeSpec rope, ModelSpec& spec);  // its number
// Layers with a window turn by this rope.
void set_rope_of_windows(int rope, ModelSpec& spec);
// For set_windows(): n - 1 of n layers slide.
inline auto all_but_every(int64_t n) {
  return [n](size_t layer) { return (static_cast<int64_t>(layer) + 1) % n != 0; };
}

// config.json, in the spelling of transformers' LlamaConfig. All throw Error that names the key.

// hidden, vocabulary, context, tied_embeddings.
void read_model_sizes(JsonReader& reader, ModelSpec& spec, bool tied_if_absent = false);
// Heads and sizes of a layer with plain attention, a gated MLP, and no norms.
LayerSpec read_layer_sizes(JsonReader& reader, const ModelSpec& spec);
// Both, with this norm before attention, MLP and LM head.
LayerSpec read_normed_layer(JsonReader& reader, const NormSpec& norm, ModelSpec& spec,
                            bool tied_if_absent = false);
// num_attention_heads, num_key_value_heads, head_dim.
AttentionSpec read_heads(JsonReader& reader, const ModelSpec& spec);
Activation read_activation(JsonReader& reader, const char* key, std::string_view absent);
// num_hidden_layers such layers.
void repeat_layer(JsonReader& reader, const LayerSpec& layer, ModelSpec& spec);
// layer_types, one a layer; empty if the file has none. `known` are those that the family has.
std::vector<std::string> read_layer_types(JsonReader& reader, std::initializer_list<std::string_view> known);
// The window of the layers that layer_types calls sliding_attention, or where the file has none, of those
// whose number `slides` is true for.
template <typename Slides>
void set_windows(JsonReader& reader, int64_t window, const Slides& slides, ModelSpec& spec) {
  const std::vector<std::string> types = read_layer_types(reader, {"full_attention", "sliding_attention"});
  for (size_t l = 0; l < spec.layers.size(); ++l) {
    if (types.empty() ? slides(l) : types[l] == "sliding_attention") spec.layers[l].attention.window = window;
  }
}
// An integer whose absence and null differ: `absent`, and 0.
int64_t read_window(JsonReader& reader, const char* key, int64_t absent);
int add_rope(JsonReader& reader, RopeLayers layers, ModelSpec& spec);  // its number; sets the context
// sliding_window_pattern n: n - 1 of n layers slide. Newer files spell it with an underscore before.
int64_t read_window_pattern(JsonReader& reader, int64_t absent);
// The rope of all layers, of a family that has full attention alone and turns whole heads.
int read_only_rope(JsonReader& reader, int head_dim, ModelSpec& spec);
// attention_bias: of Q, K, V and the output.
void read_attention_bias(JsonReader& reader, AttentionSpec& attention);
// Of Qwen2 and Qwen3: layer_types, and sliding_window where use_sliding_window is true: in the layers that
// layer_types names, or from max_window_layers on.
void read_qwen_window(JsonReader& reader, ModelSpec& spec);

// GGUF, in llama.cpp's words. Throw Error that names the key.

// Whether the layer has the tensor, under Llama's name.
bool has_tensor(const GgufReader& reader, Role role, int layer = 0);
// hidden, vocabulary, context, tied_embeddings.
void read_model_sizes(GgufReader& reader, ModelSpec& spec);
// Heads and sizes of a layer with plain attention and no norms: the MLP is gated where there is a gate, Q, K
// and V are apart or stacked, and there are biases, as the tensors of the first layer say.
LayerSpec read_layer_sizes(GgufReader& reader, ModelSpec& spec);
LayerSpec read_normed_layer(GgufReader& reader, const NormSpec& norm, ModelSpec& spec);
// So many heads of the size that the file says, or that so many of them have.
AttentionSpec read_heads(GgufReader& reader, int heads, int kv_heads, const ModelSpec& spec);
void repeat_layer(GgufReader& reader, const LayerSpec& layer, ModelSpec& spec);
struct GgufRope {
  int head_dim = 0;
  bool partial = false;  // rope.dimension_count may be less than a head
  std::string base = "rope.freq_base";
  double base_if_absent = 10000;
  bool scaled = true;    // rope.scaling.* count
  bool truncate = true;  // YarnScaling::truncate
};
int add_rope(GgufReader& reader, const GgufRope& rope, ModelSpec& spec);  // its number
// The numbers of a table of RoPE: one for each pair of elements.
std::vector<float> read_rope_tensor(GgufReader& reader, const Tensor& tensor, int rotated);
NormSpec read_rms_norm(GgufReader& reader);
NormSpec read_layer_norm(GgufReader& reader, bool bias = true);
// The window of the layers that attention.sliding_window_pattern names, or without that key of those for
// which `slides` is true.
template <typename Slides>
void set_windows(GgufReader& reader, int window, const Slides& slides, ModelSpec& spec) {
  std::vector<bool> usual;
  for (size_t l = 0; l < spec.layers.size(); ++l) usual.push_back(slides(l));
  const std::vector<bool> flags = reader.flags("attention.sliding_window_pattern", spec.layers.size(), usual);
  for (size_t l = 0; l < spec.layers.size(); ++l) spec.layers[l].attention.window = flags[l] ? window : 0;
}
// expert_count experts of expert_feed_forward_length, or of feed_forward_length.
void read_experts(GgufReader& reader, Router router, MlpSpec& mlp, ModelSpec& spec);

}  // namespace idleheads
