#include <algorithm>
#include <climits>
#include <cmath>

#include "base/error.h"
#include "model/families/common.h"
#include "model/rope.h"

namespace idleheads {
namespace {

void read_heads(GgufReader& reader, const ModelSpec& spec, AttentionSpec& attention) {
  const std::string_view name = reader.name();
  attention.heads = reader.integer("attention.head_count");
  attention.kv_heads = reader.integer("attention.head_count_kv", attention.heads);
  if (attention.heads < 1) fail("{}: metadata attention.head_count is 0", name);
  attention.head_dim = reader.integer("attention.key_length", spec.hidden / attention.heads);
  if (reader.integer("attention.value_length", attention.head_dim) != attention.head_dim) {
    fail("{}: attention.value_length differs from attention.key_length, which is not supported", name);
  }
  if (attention.head_dim < 1 || attention.head_dim > 4096)
    fail("{}: head size is {}, expected 1 to 4096", name, attention.head_dim);
  attention.scale = usual_scale(attention.head_dim);
  const double usual = 1 / std::sqrt(static_cast<double>(attention.head_dim));
  const double scale = reader.number("attention.scale", 0);
  if (scale != 0 && std::abs(scale - usual) > 1e-6 * usual) {
    reader.wrong("attention.scale", scale, fmt::format("{}, 1 / sqrt(head size)", usual));
  }
}

// The factor of linear scaling; 1 if there is none.
double read_scaling(GgufReader& reader) {
  const std::string_view name = reader.name();
  const std::string type = reader.text("rope.scaling.type", "linear");
  if (type != "none" && type != "linear") {
    fail("{}: RoPE scaling '{}' is not supported; supported: none, linear, llama3 (as rope_freqs)", name,
         printable(type));
  }
  // The older key counts where the newer one is missing.
  const double older = reader.number("rope.scale_linear", 1.0);
  const double factor = reader.number("rope.scaling.factor", older);
  if (!(factor > 0)) fail("{}: RoPE scaling factor is {}, expected more than 0", name, factor);
  if (reader.has("rope.scale_linear") && older != factor) {
    reader.wrong("rope.scale_linear", older, "the value of rope.scaling.factor");
  }
  // llama.cpp multiplies the rotated rows by it, whatever the type.
  const double magnitude = reader.number("rope.scaling.attn_factor", 1.0);
  if (magnitude != 1) reader.wrong("rope.scaling.attn_factor", magnitude, "1");
  // Only YaRN looks at these two.
  reader.integer("rope.scaling.original_context_length", 0);
  reader.boolean("rope.scaling.finetuned", false);
  // As llama.cpp reads it: without a type a factor is linear, with the type none it does not count.
  return type == "linear" ? factor : 1;
}

}  // namespace

void read_model_sizes(GgufReader& reader, ModelSpec& spec) {
  spec.hidden = reader.integer("embedding_length");
  spec.context = reader.integer("context_length");
  const std::string table = tensor_name({}, Role::token_embedding, 0, true);
  const Tensor* embedding = reader.find_tensor(table);
  if (embedding == nullptr) fail("{}: tensor {} is missing", reader.name(), table);
  spec.vocabulary = static_cast<int>(std::min<int64_t>(embedding->shape.front(), INT_MAX));
  spec.tied_embeddings = reader.find_tensor(tensor_name({}, Role::lm_head, 0, true)) == nullptr;
  if (const int said = reader.integer("vocab_size", spec.vocabulary); said != spec.vocabulary) {
    reader.wrong("vocab_size", said, fmt::format("{}, the rows of the embedding", spec.vocabulary));
  }
}

LayerSpec read_layer_sizes(GgufReader& reader, const ModelSpec& spec, std::span<const TensorName> names) {
  const auto is_there = [&](Role role) {
    return reader.find_tensor(tensor_name(names, role, 0, true)) != nullptr;
  };
  LayerSpec layer;
  read_heads(reader, spec, layer.attention);
  layer.attention.qkv_bias = is_there(Role::query_bias);
  layer.attention.output_bias = is_there(Role::output_bias);
  layer.mlp.width = reader.integer("feed_forward_length");
  layer.mlp.bias = is_there(Role::gate_bias);
  return layer;
}

void repeat_layer(GgufReader& reader, const LayerSpec& layer, ModelSpec& spec) {
  const int layers = reader.integer("block_count");
  require_layer_count(layers, reader.name());
  spec.layers.assign(static_cast<size_t>(layers), layer);
}

int read_only_rope(GgufReader& reader, int rotated, ModelSpec& spec) {
  const std::string_view name = reader.name();
  if (const int said = reader.integer("rope.dimension_count", rotated); said != rotated) {
    fail("{}: rope.dimension_count {} is not the head size {}; partial RoPE is not supported", name, said,
         rotated);
  }
  if (rotated % 2 != 0) fail("{}: head size {} is odd; RoPE needs an even one", name, rotated);
  RopeSpec rope;
  rope.theta = reader.number("rope.freq_base", 10000.0);
  rope.inverse_frequencies = rope_frequencies(rope.theta, rotated);
  if (const double factor = read_scaling(reader); factor != 1) {
    for (float& frequency : rope.inverse_frequencies) frequency = static_cast<float>(frequency / factor);
  }
  // llama3 scaling comes as a tensor of divisors.
  if (const Tensor* divisors = reader.find_tensor("rope_freqs.weight")) {
    if (divisors->dtype != DType::f32 || divisors->elements() != rotated / 2)
      fail("{}: tensor rope_freqs.weight: expected {} F32 values", name, rotated / 2);
    std::vector<float> values(rope.inverse_frequencies.size());
    dequantize(DType::f32, divisors->data, values);
    for (size_t i = 0; i < values.size(); ++i) rope.inverse_frequencies[i] /= values[i];
  }
  return add_rope(std::move(rope), spec);
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
