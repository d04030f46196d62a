// gpt-oss: a learned sink a head, windows in every other layer, and a mixture of experts with clamped SwiGLU.
#include <array>

#include "idleheads/base/error.h"
#include "model/families/common.h"

namespace idleheads {
namespace {

// As published: experts in MXFP4, everything else as it was.
constexpr auto kMxfp4Tensors = std::to_array<TensorName>(
    {{Role::expert_gate_up, "model.layers.{}.mlp.experts.gate_up_proj_blocks", ""},
     {Role::expert_gate_up_scales, "model.layers.{}.mlp.experts.gate_up_proj_scales", ""},
     {Role::expert_down, "model.layers.{}.mlp.experts.down_proj_blocks", ""},
     {Role::expert_down_scales, "model.layers.{}.mlp.experts.down_proj_scales", ""}});

// How the experts are stored. Which modules stay as they were the tensors themselves say.
void read_quantization(JsonReader& reader, StorageSpec& storage) {
  const Json* config = reader.object("quantization_config");
  if (config == nullptr) return;
  const std::string name = fmt::format("{}: quantization_config", reader.name());
  JsonReader quantization(*config, name);
  if (quantization.text("quant_method", "") != "mxfp4") {
    quantization.require_named("quant_method");
    quantization.wrong("quant_method", "\"mxfp4\"; take the published weights or a GGUF file of the model");
  }
  quantization.texts("modules_to_not_convert");
  quantization.boolean("dequantize", false);  // after loading, which changes no number
  quantization.refuse_unread();
  for (const char* key : {"hidden_size", "intermediate_size"}) {
    if (reader.integer(key) % 32 != 0) reader.wrong(key, "a multiple of 32, the size of MXFP4's blocks");
  }
  storage.mxfp4_experts = true;
  storage.names = kMxfp4Tensors;
}

void read_json(JsonReader& reader, ModelSpec& spec) {
  for (const char* key : {"num_key_value_heads", "head_dim"}) reader.require_named(key);
  read_model_sizes(reader, spec);
  LayerSpec layer;
  layer.attention = read_heads(reader, spec);
  set_pre_norms(rms_norm(reader.number("rms_norm_eps")), layer, spec);
  if (!reader.boolean("attention_bias", true)) reader.wrong("attention_bias", "true");
  layer.attention.qkv_bias = layer.attention.output_bias = layer.attention.sinks = true;
  read_activation(reader, "hidden_act", "silu");  // named so; what is computed is clamped
  if (reader.number("swiglu_limit", 7) != 7) reader.wrong("swiglu_limit", "7");
  layer.mlp.activation = Activation::clamped_silu;
  layer.mlp.width = static_cast<int>(reader.integer("intermediate_size"));
  layer.mlp.bias = layer.mlp.router_bias = true;
  layer.mlp.experts = static_cast<int>(reader.integer("num_local_experts"));
  const int64_t per_token = reader.integer("num_experts_per_tok");
  layer.mlp.experts_per_token = static_cast<int>(per_token);
  if (reader.integer("experts_per_token", per_token) != per_token)
    reader.wrong("experts_per_token", "num_experts_per_tok");
  if (layer.mlp.experts < 1) reader.wrong("num_local_experts", "at least 1");
  layer.mlp.router = Router::softmax_of_chosen;
  layer.attention.rope =
      add_rope(reader, {.head_dim = layer.attention.head_dim, .theta_if_absent = 150000}, spec);
  repeat_layer(reader, layer, spec);
  set_windows(reader, read_window(reader, "sliding_window", 128), all_but_every(2), spec);
  spec.storage.experts = StorageSpec::Experts::interleaved;
  read_quantization(reader, spec.storage);
}

void read_gguf(GgufReader& reader, ModelSpec& spec) {
  LayerSpec layer = read_normed_layer(reader, read_rms_norm(reader), spec);
  layer.attention.sinks = true;
  read_experts(reader, Router::softmax_of_chosen, layer.mlp, spec);
  layer.mlp.activation = Activation::clamped_silu;
  layer.attention.rope = add_rope(reader, {.head_dim = layer.attention.head_dim, .truncate = false}, spec);
  repeat_layer(reader, layer, spec);
  set_windows(reader, reader.integer("attention.sliding_window"), all_but_every(2), spec);
}

constexpr auto kInert = std::to_array<std::string_view>(
    {"initial_context_length", "router_aux_loss_coef", "output_router_logits"});
constexpr auto kTensors = std::to_array<TensorName>(
    {{Role::router, "model.layers.{}.mlp.router.weight", "blk.{}.ffn_gate_inp.weight"},
     {Role::router_bias, "model.layers.{}.mlp.router.bias", "blk.{}.ffn_gate_inp.bias"},
     {Role::mlp_norm, "model.layers.{}.post_attention_layernorm.weight", "blk.{}.post_attention_norm.weight"},
     {Role::expert_down, "model.layers.{}.mlp.experts.down_proj", "blk.{}.ffn_down_exps.weight"},
     {Role::expert_down_bias, "model.layers.{}.mlp.experts.down_proj_bias", "blk.{}.ffn_down_exps.bias"}});

}  // namespace

constexpr Family kGptOss = {.name = "gpt_oss",
                            .architecture = "GptOssForCausalLM",
                            .gguf = "gpt-oss",
                            .read_json = read_json,
                            .read_gguf = read_gguf,
                            .inert_keys = kInert,
                            .tensors = kTensors};

}  // namespace idleheads
