// What several families say in the same words.
#pragma once

#include <initializer_list>
#include <string>
#include <vector>

#include "model/families/family.h"

namespace idleheads {

// 1 / sqrt(head_dim), in float32 as the kernels multiply.
float usual_scale(int head_dim);
NormSpec rms_norm(double epsilon);

// config.json, in the spelling of transformers' LlamaConfig. Both throw Error that names the key.

// hidden, vocabulary, context, tied_embeddings.
void read_model_sizes(JsonReader& reader, ModelSpec& spec, bool tied_if_absent = false);
// Heads and sizes of a layer with plain attention, a gated MLP, and no norms.
LayerSpec read_layer_sizes(JsonReader& reader, const ModelSpec& spec);
// num_hidden_layers such layers.
void repeat_layer(JsonReader& reader, const LayerSpec& layer, ModelSpec& spec);
// layer_types, one a layer; empty if the file has none. `known` are those that the family has.
std::vector<std::string> read_layer_types(JsonReader& reader, std::initializer_list<std::string_view> known);
// The rope of all layers; its number.
int read_only_rope(JsonReader& reader, const std::vector<std::string>& layer_types, int rotated,
                   ModelSpec& spec);
// RMSNorm before attention and MLP, with the epsilon of rms_norm_eps.
void read_pre_norms(JsonReader& reader, LayerSpec& layer, ModelSpec& spec);
// Of Qwen2 and Qwen3: layer_types, and sliding_window where use_sliding_window is true: in the layers that
// layer_types names, or from max_window_layers on.
std::vector<std::string> read_qwen_layer_types(JsonReader& reader);
void read_qwen_window(JsonReader& reader, const std::vector<std::string>& layer_types, ModelSpec& spec);

// GGUF, in llama.cpp's words. Throw Error that names the key.

// hidden, vocabulary, context, tied_embeddings.
void read_model_sizes(GgufReader& reader, ModelSpec& spec);
// Heads and sizes of a layer with plain attention, a gated MLP, and no norms; biases where there are tensors.
LayerSpec read_layer_sizes(GgufReader& reader, const ModelSpec& spec, std::span<const TensorName> names = {});
void repeat_layer(GgufReader& reader, const LayerSpec& layer, ModelSpec& spec);
int read_only_rope(GgufReader& reader, int rotated, ModelSpec& spec);
NormSpec read_rms_norm(GgufReader& reader);
void read_pre_norms(GgufReader& reader, LayerSpec& layer, ModelSpec& spec);

}  // namespace idleheads
