// The families of models idleheads knows, one table row each, and where their tensors are found in a
// checkpoint.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace idleheads {

struct Family {
  std::string_view name;          // model_type in config.json and general.architecture in GGUF
  std::string_view architecture;  // "LlamaForCausalLM" in config.json's architectures
  bool pre_norm, post_norm, qk_norm;
  bool always_qkv_bias;   // the family has them whatever the config says
  bool gguf_permutes_qk;  // GGUF files hold the rows of Q and K in interleaved-RoPE order
  // Keys of config.json that transformers reads in this family; where it does not, they change nothing.
  bool attention_bias_key, mlp_bias_key;
};

std::span<const Family> families();
// Throws Error with the list of supported families.
const Family& require_family(std::string_view name, std::string_view source);

// What a tensor is for.
enum class Role {
  token_embedding,
  final_norm,
  lm_head,  // one a model
  attention_norm,
  mlp_norm,
  attention_post_norm,
  mlp_post_norm,  // one a layer, from here on
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
  gate,
  up,
  down,
  gate_bias,
  up_bias,
  down_bias,
};

// The tensor's name in Hugging Face checkpoints ("model.layers.3.self_attn.q_proj.weight") or in GGUF
// ("blk.3.attn_q.weight"). `layer` is ignored for roles that are one a model.
std::string tensor_name(Role role, int layer, bool gguf);

}  // namespace idleheads
