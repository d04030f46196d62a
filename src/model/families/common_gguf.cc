#include <algorithm>
#include <climits>
#include <cmath>

#include "base/fail.h"
#include "model/families/common.h"
#include "model/rope.h"

namespace idleheads {
namespace {

YarnScaling read_yarn(GgufReader& reader, double factor, bool truncate, int64_t context) {
  YarnScaling s;
  s.factor = factor;
  s.original_context = reader.integer("rope.scaling.original_context_length", static_cast<int>(context));
  s.beta_fast = reader.number("rope.scaling.yarn_beta_fast", 32);
  s.beta_slow = reader.number("rope.scaling.yarn_beta_slow", 1);
  s.truncate = truncate;
  if (!(s.original_context > 0))
    reader.wrong("rope.scaling.original_context_length", s.original_context, "more than 0");
  if (!(s.beta_slow > 0 && s.beta_fast >= s.beta_slow))
    reader.wrong("rope.scaling.yarn_beta_fast", s.beta_fast, "at least rope.scaling.yarn_beta_slow, above 0");
  return s;
}

// The older key counts where the newer one is missing.
double read_factor(GgufReader& reader) {
  const double older = reader.number("rope.scale_linear", 1.0);
  const double factor = reader.number("rope.scaling.factor", older);
  if (!(factor > 0)) fail("{}: RoPE scaling factor is {}, expected more than 0", reader.name(), factor);
  if (reader.has("rope.scale_linear") && older != factor) {
    reader.wrong("rope.scale_linear", older, "the value of rope.scaling.factor");
  }
  return factor;
}

// As llama.cpp reads it: without a type a factor is linear, with the type none it does not count.
void read_scaling(GgufReader& reader, const GgufRope& how, int64_t context, RopeSpec& rope) {
  const std::string type = reader.text("rope.scaling.type", "linear");
  if (type != "none" && type != "linear" && type != "yarn") {
    fail("{}: RoPE scaling '{}' is not supported; supported: none, linear, yarn, llama3 (as rope_freqs)",
         reader.name(), printable(type));
  }
  const double factor = read_factor(reader);
  if (type == "yarn") apply_yarn(read_yarn(reader, factor, how.truncate, context), rope);
  for (float& frequency : rope.inverse_frequencies) {
    if (type == "linear" && factor != 1) frequency = static_cast<float>(frequency / factor);
  }
  // llama.cpp multiplies the rotated rows by it, whatever the type.
  const double magnitude = reader.number("rope.scaling.attn_factor", 1.0);
  if (magnitude != 1) reader.wrong("rope.scaling.attn_factor", magnitude, "1");
  // Only YaRN looks at these two.
  reader.integer("rope.scaling.original_context_length", 0);
  reader.boolean("rope.scaling.finetuned", false);
}

}  // namespace

bool has_tensor(const GgufReader& reader, Role role, int layer) {
  return reader.find_tensor(tensor_name({}, role, layer, true)) != nullptr;
}

AttentionSpec read_heads(GgufReader& reader, int heads, int kv_heads, const ModelSpec& spec) {
  const std::string_view name = reader.name();
  AttentionSpec attention;
  attention.heads = heads;
  attention.kv_heads = kv_heads;
  if (attention.heads < 1) fail("{}: metadata attention.head_count is 0", name);
  attention.head_dim = reader.integer("attention.key_length", spec.hidden / attention.heads);
  if (reader.integer("attention.value_length", attention.head_dim) != attention.head_dim) {
    fail("{}: attention.value_length differs from attention.key_length, which is not supported", name);
  }
  if (attention.head_dim < 1 || attention.head_dim > 4096)
    fail("{}: head size is {}, expected 1 to 4096", name, attention.head_dim);
  attention.scale = usual_scale(attention.head_dim);
  return attention;
}

void read_model_sizes(GgufReader& reader, ModelSpec& spec) {
  spec.hidden = reader.integer("embedding_length");
  spec.context = reader.integer("context_length");
  const std::string table = tensor_name({}, Role::token_embedding, 0, true);
  const Tensor* embedding = reader.find_tensor(table);
  if (embedding == nullptr) fail("{}: tensor {} is missing", reader.name(), table);
  spec.vocabulary = static_cast<int>(std::min<int64_t>(embedding->shape.front(), INT_MAX));
  spec.tied_embeddings = !has_tensor(reader, Role::lm_head);
  if (const int said = reader.integer("vocab_size", spec.vocabulary); said != spec.vocabulary) {
    reader.wrong("vocab_size", said, fmt::format("{}, the rows of the embedding", spec.vocabulary));
  }
}

LayerSpec read_layer_sizes(GgufReader& reader, ModelSpec& spec) {
  LayerSpec layer;
  const int heads = reader.integer("attention.head_count");
  layer.attention = read_heads(reader, heads, reader.integer("attention.head_count_kv", heads), spec);
  const bool stacked = has_tensor(reader, Role::qkv);
  if (stacked) spec.storage.qkv = StorageSpec::Qkv::stacked;
  layer.attention.qkv_bias = has_tensor(reader, stacked ? Role::qkv_bias : Role::query_bias);
  layer.attention.output_bias = has_tensor(reader, Role::output_bias);
  layer.mlp.width = reader.integer("feed_forward_length");
  layer.mlp.gated = has_tensor(reader, Role::gate);
  layer.mlp.bias = has_tensor(reader, Role::up_bias);
  // Some converters write 4 x embedding_length whatever the model has.
  const Tensor* up = reader.find_tensor(tensor_name({}, Role::up, 0, true));
  if (!layer.mlp.gated && up != nullptr && up->shape.size() == 2)
    layer.mlp.width = static_cast<int>(std::min<int64_t>(up->shape.front(), INT_MAX));
  return layer;
}

LayerSpec read_normed_layer(GgufReader& reader, const NormSpec& norm, ModelSpec& spec) {
  read_model_sizes(reader, spec);
  LayerSpec layer = read_layer_sizes(reader, spec);
  set_pre_norms(norm, layer, spec);
  return layer;
}

void repeat_layer(GgufReader& reader, const LayerSpec& layer, ModelSpec& spec) {
  const int layers = reader.integer("block_count");
  require_layer_count(layers, reader.name());
  spec.layers.assign(static_cast<size_t>(layers), layer);
}

int add_rope(GgufReader& reader, const GgufRope& how, ModelSpec& spec) {
  const std::string_view name = reader.name();
  const int rotated = reader.integer("rope.dimension_count", how.head_dim);
  if (rotated != how.head_dim && !how.partial) {
    fail("{}: rope.dimension_count {} is not the head size {}; partial RoPE is not supported", name, rotated,
         how.head_dim);
  }
  if (rotated % 2 != 0) fail("{}: head size {} is odd; RoPE needs an even one", name, rotated);
  if (rotated < 2 || rotated > how.head_dim)
    fail("{}: rope.dimension_count {}, expected 2 to {}", name, rotated, how.head_dim);
  RopeSpec rope;
  rope.theta = reader.number(how.base, how.base_if_absent);
  rope.inverse_frequencies = rope_frequencies(rope.theta, rotated);
  if (how.scaled) read_scaling(reader, how, spec.context, rope);
  // llama3 scaling comes as a tensor of divisors.
  if (const Tensor* divisors = reader.find_tensor("rope_freqs.weight"); divisors != nullptr && how.scaled) {
    const std::vector<float> values = read_rope_tensor(reader, *divisors, rotated);
    for (size_t i = 0; i < values.size(); ++i) rope.inverse_frequencies[i] /= values[i];
  }
  return add_rope(std::move(rope), spec);
}

std::vector<float> read_rope_tensor(GgufReader& reader, const Tensor& tensor, int rotated) {
  if (tensor.dtype != DType::f32 || tensor.elements() != rotated / 2)
    fail("{}: tensor {}: expected {} F32 values", reader.name(), tensor.name, rotated / 2);
  std::vector<float> values(static_cast<size_t>(rotated / 2));
  dequantize(DType::f32, tensor.data, values);
  return values;
}

void read_experts(GgufReader& reader, Router router, MlpSpec& mlp, ModelSpec& spec) {
  mlp.experts = reader.integer("expert_count");
  mlp.experts_per_token = reader.integer("expert_used_count");
  if (mlp.experts < 1) reader.wrong("expert_count", mlp.experts, "at least 1");
  mlp.width = reader.integer("expert_feed_forward_length", mlp.width);
  mlp.gated = true;
  mlp.router = router;
  mlp.bias = has_tensor(reader, Role::expert_up_bias);
  mlp.router_bias = has_tensor(reader, Role::router_bias);
  spec.storage.experts = StorageSpec::Experts::together;
}

NormSpec read_layer_norm(GgufReader& reader, bool bias) {
  return layer_norm(reader.number("attention.layer_norm_epsilon"), bias);
}

NormSpec read_rms_norm(GgufReader& reader) {
  const NormSpec norm = rms_norm(reader.number("attention.layer_norm_rms_epsilon"));
  const double other = reader.number("attention.layer_norm_epsilon", norm.epsilon);
  if (static_cast<float>(other) != norm.epsilon) {
    reader.wrong("attention.layer_norm_epsilon", other, "the value of attention.layer_norm_rms_epsilon");
  }
  return norm;
}

}  // namespace idleheads
