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
  lm_head_bias,
  position_embedding,
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
  qkv,  // stacked or by group
  qkv_bias,
  query_bias,
  key_bias,
  value_bias,
  output_bias,
  query_norm,
  key_norm,
  query_norm_bias,
  key_norm_bias,
  sinks,
  gate_up,  // stacked
  gate,
  up,
  down,
  router,
  router_bias,
  // one an expert, or of all together
  expert_gate,
  expert_up,
  expert_down,
  expert_gate_up,
  expert_gate_up_scales,  // of MXFP4
  expert_down_scales,
  expert_gate_bias,
  expert_up_bias,
  expert_down_bias,
  expert_gate_up_bias,
  // one a layer
  gate_bias,
  up_bias,
  down_bias,
};

// "{}" stands for the number of the layer, a second one for that of the expert or head.
struct TensorName {
  Role role;
  std::string_view hugging_face, gguf;
};

// The tensor's name in Hugging Face checkpoints ("model.layers.3.self_attn.q_proj.weight") or in GGUF
// ("blk.3.attn_q.weight"): Llama's, unless `own` has another. `layer` and `part` (the number of the expert or
// head) are ignored where a role has neither.
std::string tensor_name(std::span<const TensorName> own, Role role, int layer, bool gguf, int part = 0);

}  // namespace idleheads
