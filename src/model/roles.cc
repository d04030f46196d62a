#include "idleheads/model/roles.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <stdexcept>

namespace idleheads {
namespace {

constexpr std::array kLlamaNames = std::to_array<TensorName>({
    {Role::token_embedding, "model.embed_tokens.weight", "token_embd.weight"},
    {Role::final_norm, "model.norm.weight", "output_norm.weight"},
    {Role::final_norm_bias, "model.norm.bias", "output_norm.bias"},
    {Role::lm_head, "lm_head.weight", "output.weight"},
    {Role::lm_head_bias, "lm_head.bias", "output.bias"},
    {Role::attention_norm, "model.layers.{}.input_layernorm.weight", "blk.{}.attn_norm.weight"},
    {Role::attention_norm_bias, "model.layers.{}.input_layernorm.bias", "blk.{}.attn_norm.bias"},
    {Role::attention_post_norm, "model.layers.{}.post_attention_layernorm.weight",
     "blk.{}.post_attention_norm.weight"},
    {Role::mlp_norm, "model.layers.{}.post_attention_layernorm.weight", "blk.{}.ffn_norm.weight"},
    {Role::mlp_norm_bias, "model.layers.{}.post_attention_layernorm.bias", "blk.{}.ffn_norm.bias"},
    {Role::mlp_post_norm, "model.layers.{}.post_feedforward_layernorm.weight", "blk.{}.post_ffw_norm.weight"},
    {Role::query, "model.layers.{}.self_attn.q_proj.weight", "blk.{}.attn_q.weight"},
    {Role::key, "model.layers.{}.self_attn.k_proj.weight", "blk.{}.attn_k.weight"},
    {Role::value, "model.layers.{}.self_attn.v_proj.weight", "blk.{}.attn_v.weight"},
    {Role::output, "model.layers.{}.self_attn.o_proj.weight", "blk.{}.attn_output.weight"},
    {Role::qkv, "model.layers.{}.self_attn.qkv_proj.weight", "blk.{}.attn_qkv.weight"},
    {Role::qkv_bias, "model.layers.{}.self_attn.qkv_proj.bias", "blk.{}.attn_qkv.bias"},
    {Role::query_bias, "model.layers.{}.self_attn.q_proj.bias", "blk.{}.attn_q.bias"},
    {Role::key_bias, "model.layers.{}.self_attn.k_proj.bias", "blk.{}.attn_k.bias"},
    {Role::value_bias, "model.layers.{}.self_attn.v_proj.bias", "blk.{}.attn_v.bias"},
    {Role::output_bias, "model.layers.{}.self_attn.o_proj.bias", "blk.{}.attn_output.bias"},
    {Role::query_norm, "model.layers.{}.self_attn.q_norm.weight", "blk.{}.attn_q_norm.weight"},
    {Role::key_norm, "model.layers.{}.self_attn.k_norm.weight", "blk.{}.attn_k_norm.weight"},
    {Role::query_norm_bias, "model.layers.{}.self_attn.q_norm.bias", "blk.{}.attn_q_norm.bias"},
    {Role::key_norm_bias, "model.layers.{}.self_attn.k_norm.bias", "blk.{}.attn_k_norm.bias"},
    {Role::sinks, "model.layers.{}.self_attn.sinks", "blk.{}.attn_sinks.weight"},
    {Role::gate_up, "model.layers.{}.mlp.gate_up_proj.weight", "blk.{}.ffn_up.weight"},
    {Role::gate, "model.layers.{}.mlp.gate_proj.weight", "blk.{}.ffn_gate.weight"},
    {Role::up, "model.layers.{}.mlp.up_proj.weight", "blk.{}.ffn_up.weight"},
    {Role::down, "model.layers.{}.mlp.down_proj.weight", "blk.{}.ffn_down.weight"},
    {Role::router, "model.layers.{}.mlp.gate.weight", "blk.{}.ffn_gate_inp.weight"},
    {Role::router_bias, "model.layers.{}.mlp.gate.bias", "blk.{}.ffn_gate_inp.bias"},
    {Role::expert_gate, "model.layers.{}.mlp.experts.{}.gate_proj.weight", "blk.{}.ffn_gate_exps.weight"},
    {Role::expert_up, "model.layers.{}.mlp.experts.{}.up_proj.weight", "blk.{}.ffn_up_exps.weight"},
    {Role::expert_down, "model.layers.{}.mlp.experts.{}.down_proj.weight", "blk.{}.ffn_down_exps.weight"},
    {Role::expert_gate_up, "model.layers.{}.mlp.experts.gate_up_proj", "blk.{}.ffn_gate_up_exps.weight"},
    {Role::expert_gate_bias, "model.layers.{}.mlp.experts.{}.gate_proj.bias", "blk.{}.ffn_gate_exps.bias"},
    {Role::expert_up_bias, "model.layers.{}.mlp.experts.{}.up_proj.bias", "blk.{}.ffn_up_exps.bias"},
    {Role::expert_down_bias, "model.layers.{}.mlp.experts.{}.down_proj.bias", "blk.{}.ffn_down_exps.bias"},
    {Role::expert_gate_up_bias, "model.layers.{}.mlp.experts.gate_up_proj_bias",
     "blk.{}.ffn_gate_up_exps.bias"},
    {Role::gate_bias, "model.layers.{}.mlp.gate_proj.bias", "blk.{}.ffn_gate.bias"},
    {Role::up_bias, "model.layers.{}.mlp.up_proj.bias", "blk.{}.ffn_up.bias"},
    {Role::down_bias, "model.layers.{}.mlp.down_proj.bias", "blk.{}.ffn_down.bias"},
});

const TensorName* find_in(std::span<const TensorName> names, Role role) {
  const auto found = std::ranges::find(names, role, &TensorName::role);
  return found == names.end() ? nullptr : &*found;
}

}  // namespace

std::string tensor_name(std::span<const TensorName> own, Role role, int layer, bool gguf, int part) {
  const TensorName* entry = find_in(own, role);
  if (entry == nullptr) entry = find_in(kLlamaNames, role);
  if (entry == nullptr) throw std::logic_error("a role without a name");
  return fmt::format(fmt::runtime(gguf ? entry->gguf : entry->hugging_face), layer, part);
}

}  // namespace idleheads
