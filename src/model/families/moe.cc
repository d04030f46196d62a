// Mixtures of experts whose attention is another family's: Qwen3 MoE, Mixtral, OLMoE.
#include <algorithm>
#include <array>

#include "idleheads/base/error.h"
#include "model/families/common.h"

namespace idleheads {
namespace {

void read_experts(JsonReader& reader, const char* count, MlpSpec& mlp) {
  mlp.experts = static_cast<int>(reader.integer(count));
  mlp.experts_per_token = static_cast<int>(reader.integer("num_experts_per_tok"));
  if (mlp.experts < 1) reader.wrong(count, "at least 1");
}

Router router_of(bool normalised) { return normalised ? Router::softmax_of_chosen : Router::softmax; }

// ---- Qwen3 MoE: some layers may be dense.

std::vector<double> read_dense_layers(JsonReader& reader) {
  return reader.has("mlp_only_layers") ? reader.numbers("mlp_only_layers") : std::vector<double>();
}

void read_qwen3_moe_json(JsonReader& reader, ModelSpec& spec) {
  for (const char* key : {"num_key_value_heads", "head_dim"}) reader.require_named(key);
  LayerSpec layer = read_normed_layer(reader, rms_norm(reader.number("rms_norm_eps")), spec);
  set_qk_norm(AttentionSpec::QkNorm::head, layer);
  read_attention_bias(reader, layer.attention);
  layer.attention.rope = add_rope(reader, {.head_dim = layer.attention.head_dim}, spec);
  const MlpSpec dense = layer.mlp;
  read_experts(reader, "num_experts", layer.mlp);
  layer.mlp.width = static_cast<int>(reader.integer("moe_intermediate_size"));
  layer.mlp.router = router_of(reader.boolean("norm_topk_prob", false));
  repeat_layer(reader, layer, spec);
  const int64_t step = std::max<int64_t>(1, reader.integer("decoder_sparse_step", 1));
  const std::vector<double> dense_layers = read_dense_layers(reader);
  for (size_t l = 0; l < spec.layers.size(); ++l) {
    const bool is_named = std::ranges::count(dense_layers, static_cast<double>(l)) > 0;
    if (is_named || (static_cast<int64_t>(l) + 1) % step != 0) spec.layers[l].mlp = dense;
  }
  read_qwen_window(reader, spec);
}

// ---- Mixtral

void read_mixtral_json(JsonReader& reader, ModelSpec& spec) {
  reader.require_named("num_key_value_heads");  // 8 where it is missing, whatever the model
  LayerSpec layer = read_normed_layer(reader, rms_norm(reader.number("rms_norm_eps")), spec);
  read_experts(reader, "num_local_experts", layer.mlp);
  layer.mlp.router = Router::softmax_of_chosen;
  layer.attention.window = read_window(reader, "sliding_window", 0);
  layer.attention.rope = read_only_rope(reader, layer.attention.head_dim, spec);
  repeat_layer(reader, layer, spec);
}

// ---- OLMoE

void read_olmoe_json(JsonReader& reader, ModelSpec& spec) {
  LayerSpec layer = read_normed_layer(reader, rms_norm(reader.number("rms_norm_eps", 1e-5)), spec);
  set_qk_norm(AttentionSpec::QkNorm::row, layer);
  layer.attention.clip = static_cast<float>(reader.number("clip_qkv", 0));
  read_attention_bias(reader, layer.attention);
  read_experts(reader, "num_experts", layer.mlp);
  layer.mlp.router = router_of(reader.boolean("norm_topk_prob", false));
  layer.attention.rope = read_only_rope(reader, layer.attention.head_dim, spec);
  repeat_layer(reader, layer, spec);
}

// ---- GGUF. llama.cpp has no key for the router: what it does is the architecture's.

LayerSpec read_moe_layer(GgufReader& reader, Router router, AttentionSpec::QkNorm qk_norm, ModelSpec& spec) {
  LayerSpec layer = read_normed_layer(reader, read_rms_norm(reader), spec);
  set_qk_norm(qk_norm, layer);
  read_experts(reader, router, layer.mlp, spec);
  layer.attention.rope = add_rope(reader, {.head_dim = layer.attention.head_dim}, spec);
  return layer;
}

void read_qwen3_moe_gguf(GgufReader& reader, ModelSpec& spec) {
  repeat_layer(reader, read_moe_layer(reader, Router::softmax_of_chosen, AttentionSpec::QkNorm::head, spec),
               spec);
}

void read_olmoe_gguf(GgufReader& reader, ModelSpec& spec) {
  repeat_layer(reader, read_moe_layer(reader, Router::softmax, AttentionSpec::QkNorm::row, spec), spec);
}

// Losses of training.
constexpr auto kInert = std::to_array<std::string_view>(
    {"router_aux_loss_coef", "output_router_logits", "router_jitter_noise", "mlp_bias"});
constexpr auto kMixtralInert = std::to_array<std::string_view>(
    {"router_aux_loss_coef", "output_router_logits", "router_jitter_noise", "mlp_bias", "attention_bias"});
constexpr auto kMixtralTensors = std::to_array<TensorName>(
    {{Role::router, "model.layers.{}.block_sparse_moe.gate.weight", "blk.{}.ffn_gate_inp.weight"},
     {Role::expert_gate, "model.layers.{}.block_sparse_moe.experts.{}.w1.weight",
      "blk.{}.ffn_gate_exps.weight"},
     {Role::expert_up, "model.layers.{}.block_sparse_moe.experts.{}.w3.weight", "blk.{}.ffn_up_exps.weight"},
     {Role::expert_down, "model.layers.{}.block_sparse_moe.experts.{}.w2.weight",
      "blk.{}.ffn_down_exps.weight"}});

}  // namespace

constexpr Family kQwen3Moe = {.name = "qwen3_moe",
                              .architecture = "Qwen3MoeForCausalLM",
                              .gguf = "qwen3moe",
                              .read_json = read_qwen3_moe_json,
                              .read_gguf = read_qwen3_moe_gguf,
                              .inert_keys = kInert};

constexpr Family kMixtral = {.name = "mixtral",
                             .architecture = "MixtralForCausalLM",
                             .gguf = {},
                             .read_json = read_mixtral_json,
                             .read_gguf = nullptr,
                             .inert_keys = kMixtralInert,
                             .tensors = kMixtralTensors};

constexpr Family kOlmoe = {.name = "olmoe",
                           .architecture = "OlmoeForCausalLM",
                           .gguf = "olmoe",
                           .read_json = read_olmoe_json,
                           .read_gguf = read_olmoe_gguf,
                           .inert_keys = kInert};

}  // namespace idleheads
