// What the tensors of a language model are for, and their names in checkpoints.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace idleheads {

enum class Role {
  // one a model
  token_embedding,
  final_norm,
  final_norm_bias,
  lm_head,
  // one a layer
  attention_norm,
  attention_norm_bias,
  attention_post_norm,
  mlp_norm,
  mlp_norm_bias,
  mlp_post_norm,
  query,
  key,
  value,
  output,
  query_bias,
  key_bias,
  value_bias,
  output_bias,
  query_norm,
  key_norm,
  sinks,
  gate,
  up,
  down,
  gate_bias,
  up_bias,
  down_bias,
};

// "{}" stands for the number of the layer.
struct TensorName {
  Role role;
  std::string_view hugging_face, gguf;
};

// The tensor's name in Hugging Face checkpoints ("model.layers.3.self_attn.q_proj.weight") or in GGUF
// ("blk.3.attn_q.weight"): Llama's, unless `own` has another. `layer` is ignored for roles that are one a
// model.
std::string tensor_name(std::span<const TensorName> own, Role role, int layer, bool gguf);

}  // namespace idleheads
