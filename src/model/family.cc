#include "model/family.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <array>
#include <vector>

#include "base/error.h"

namespace idleheads {
namespace {

constexpr std::array<Family, 3> kFamilies = {{
    // name, architecture, pre_norm, post_norm, qk_norm, always_qkv_bias, gguf_permutes_qk,
    // attention_bias_key,
    // mlp_bias_key
    {"llama", "LlamaForCausalLM", true, false, false, false, true, true, true},
    {"qwen2", "Qwen2ForCausalLM", true, false, false, true, false, false, false},
    {"olmo2", "Olmo2ForCausalLM", false, true, true, false, false, true, false},
}};

struct TensorName {
  Role role;
  std::string_view hugging_face, gguf;
};

constexpr std::array<TensorName, 23> kTensorNames = {{
    {Role::token_embedding, "model.embed_tokens.weight", "token_embd.weight"},
    {Role::final_norm, "model.norm.weight", "output_norm.weight"},
    {Role::lm_head, "lm_head.weight", "output.weight"},
    {Role::attention_norm, "model.layers.{}.input_layernorm.weight", "blk.{}.attn_norm.weight"},
    {Role::mlp_norm, "model.layers.{}.post_attention_layernorm.weight", "blk.{}.ffn_norm.weight"},
    {Role::attention_post_norm, "model.layers.{}.post_attention_layernorm.weight",
     "blk.{}.post_attention_norm.weight"},
    {Role::mlp_post_norm, "model.layers.{}.post_feedforward_layernorm.weight", "blk.{}.post_ffw_norm.weight"},
    {Role::query, "model.layers.{}.self_attn.q_proj.weight", "blk.{}.attn_q.weight"},
    {Role::key, "model.layers.{}.self_attn.k_proj.weight", "blk.{}.attn_k.weight"},
    {Role::value, "model.layers.{}.self_attn.v_proj.weight", "blk.{}.attn_v.weight"},
    {Role::output, "model.layers.{}.self_attn.o_proj.weight", "blk.{}.attn_output.weight"},
    {Role::query_bias, "model.layers.{}.self_attn.q_proj.bias", "blk.{}.attn_q.bias"},
    {Role::key_bias, "model.layers.{}.self_attn.k_proj.bias", "blk.{}.attn_k.bias"},
    {Role::value_bias, "model.layers.{}.self_attn.v_proj.bias", "blk.{}.attn_v.bias"},
    {Role::output_bias, "model.layers.{}.self_attn.o_proj.bias", "blk.{}.attn_output.bias"},
    {Role::query_norm, "model.layers.{}.self_attn.q_norm.weight", "blk.{}.attn_q_norm.weight"},
    {Role::key_norm, "model.layers.{}.self_attn.k_norm.weight", "blk.{}.attn_k_norm.weight"},
    {Role::gate, "model.layers.{}.mlp.gate_proj.weight", "blk.{}.ffn_gate.weight"},
    {Role::up, "model.layers.{}.mlp.up_proj.weight", "blk.{}.ffn_up.weight"},
    {Role::down, "model.layers.{}.mlp.down_proj.weight", "blk.{}.ffn_down.weight"},
    {Role::gate_bias, "model.layers.{}.mlp.gate_proj.bias", "blk.{}.ffn_gate.bias"},
    {Role::up_bias, "model.layers.{}.mlp.up_proj.bias", "blk.{}.ffn_up.bias"},
    {Role::down_bias, "model.layers.{}.mlp.down_proj.bias", "blk.{}.ffn_down.bias"},
}};

}  // namespace

std::span<const Family> families() { return kFamilies; }

const Family& require_family(std::string_view name, std::string_view source) {
  std::vector<std::string_view> names;
  for (const Family& family : kFamilies) {
    if (family.name == name) return family;
    names.push_back(family.name);
  }
  fail("{}: model family '{}' is not supported; supported: {}", source, printable(name),
       fmt::join(names, ", "));
}

std::string tensor_name(Role role, int layer, bool gguf) {
  const TensorName& entry = kTensorNames.at(static_cast<size_t>(role));
  return fmt::format(fmt::runtime(gguf ? entry.gguf : entry.hugging_face), layer);
}

}  // namespace idleheads
