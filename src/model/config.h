// What a model is, as sizes and capability flags. The forward pass reads these and knows no model names.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "format/gguf.h"
#include "format/json.h"

namespace idleheads {

struct ModelConfig {
  std::string family;  // "llama": for people; nothing branches on it
  int layers = 0;
  int hidden = 0;        // width of the residual stream (d_model)
  int heads = 0;         // query heads
  int kv_heads = 0;      // key/value heads; heads is a multiple of it
  int head_dim = 0;      // d_head; even
  int intermediate = 0;  // width of the gated MLP
  int vocabulary = 0;
  int64_t context = 0;     // longest sequence the model is made for, in tokens
  float norm_epsilon = 0;  // of RMSNorm
  double rope_theta = 0;
  std::vector<float>
      rope_inverse_frequencies;  // [head_dim / 2], scaling applied; angle = position x frequency

  bool tied_embeddings = false;  // the LM head is the embedding matrix
  bool qkv_bias = false;
  bool output_bias = false;  // bias of the attention's output projection
  bool mlp_bias = false;
  bool pre_norm = true;    // RMSNorm before attention and MLP
  bool post_norm = false;  // RMSNorm on what attention and MLP add to the residual stream
  bool qk_norm = false;    // RMSNorm over the whole projected query and key rows, before RoPE

  int query_width() const { return heads * head_dim; }
  int kv_width() const { return kv_heads * head_dim; }
  int qkv_width() const { return query_width() + 2 * kv_width(); }
  int group_size() const { return heads / kv_heads; }
};

// From config.json of a Hugging Face checkpoint. `name` stands in messages. Throws Error that names the key
// for a value that is missing, contradictory or not understood, and for a family that is not supported (with
// the list).
ModelConfig config_from_json(const Json& json, std::string_view name);

// From GGUF metadata and the tensor table (which biases there are, whether the LM head is tied). Throws
// likewise.
ModelConfig config_from_gguf(const Gguf& gguf, std::string_view name);

// Throws Error if sizes are not positive, absurd, or do not fit each other.
void validate(const ModelConfig& config, std::string_view name);

// Plain RoPE frequencies theta^(-2i / head_dim), i < head_dim / 2, in float32 as transformers computes them.
std::vector<float> rope_frequencies(double theta, int head_dim);

// Parameters of "llama3" RoPE scaling (Llama 3.1).
struct Llama3Scaling {
  double factor = 1, low_frequency_factor = 1, high_frequency_factor = 4, original_context = 8192;
  bool operator==(const Llama3Scaling&) const = default;
};
void apply_llama3_scaling(const Llama3Scaling& scaling, std::vector<float>& frequencies);

}  // namespace idleheads
