// Model sizes from GGUF metadata ("llama.block_count", ...; ggml-org/ggml docs/gguf.md).
#include <algorithm>
#include <array>
#include <limits>

#include "base/error.h"
#include "model/config.h"
#include "model/family.h"

namespace idleheads {
namespace {

class Metadata {
 public:
  Metadata(const Gguf& gguf, std::string_view name, std::string prefix)
      : gguf_(gguf), name_(name), prefix_(std::move(prefix)) {}

  // A size. Some writers give one number per layer; those are accepted where all are equal.
  int integer(const std::string& key) const {
    const auto found = gguf_.metadata.find(prefix_ + key);
    if (found == gguf_.metadata.end()) fail("{}: metadata {}{} is missing", name_, prefix_, key);
    int64_t value = -1;
    if (const auto* list = std::get_if<std::vector<int64_t>>(&found->second);
        list != nullptr && !list->empty()) {
      value = list->front();
      if (std::count(list->begin(), list->end(), value) != static_cast<int64_t>(list->size())) {
        fail("{}: metadata {}{} differs from layer to layer, which is not supported", name_, prefix_, key);
      }
    } else if (const auto* number = std::get_if<int64_t>(&found->second)) {
      value = *number;
    }
    if (value < 0 || value > std::numeric_limits<int>::max()) {
      fail("{}: metadata {}{} is not a sensible whole number", name_, prefix_, key);
    }
    return static_cast<int>(value);
  }
  int integer(const std::string& key, int absent) const { return has(key) ? integer(key) : absent; }

  double number(const std::string& key) const { return require<double>(gguf_, prefix_ + key); }
  double number(const std::string& key, double absent) const { return has(key) ? number(key) : absent; }
  std::string text(const std::string& key, std::string absent) const {
    return has(key) ? require<std::string>(gguf_, prefix_ + key) : absent;
  }
  bool has(const std::string& key) const { return gguf_.metadata.contains(prefix_ + key); }

  // A key nobody knows could change the computation: refuse it rather than run a wrong model.
  void refuse_unknown() const {
    constexpr std::array kKnown = {"block_count",
                                   "embedding_length",
                                   "feed_forward_length",
                                   "attention.head_count",
                                   "attention.head_count_kv",
                                   "attention.layer_norm_rms_epsilon",
                                   "context_length",
                                   "rope.freq_base",
                                   "rope.dimension_count",
                                   "rope.scaling.type",
                                   "rope.scaling.factor",
                                   "rope.scaling.original_context_length",
                                   "rope.scaling.finetuned",
                                   "vocab_size",
                                   "attention.key_length",
                                   "attention.value_length",
                                   "rope.scale_linear",
                                   "attention.causal",
                                   "tensor_data_layout",
                                   "use_parallel_residual"};
    for (const auto& [key, value] : gguf_.metadata) {
      if (!key.starts_with(prefix_)) continue;
      const std::string_view rest = std::string_view(key).substr(prefix_.size());
      if (std::find(kKnown.begin(), kKnown.end(), rest) == kKnown.end()) {
        fail("{}: metadata {} is not understood and might change what the model computes", name_,
             printable(key));
      }
    }
  }

 private:
  const Gguf& gguf_;
  std::string_view name_;
  std::string prefix_;
};

const Tensor* find_tensor(const Gguf& gguf, const std::string& name) {
  const auto found =
      std::find_if(gguf.tensors.begin(), gguf.tensors.end(), [&](const Tensor& t) { return t.name == name; });
  return found == gguf.tensors.end() ? nullptr : &*found;
}

void read_rope(const Gguf& gguf, const Metadata& metadata, std::string_view name, ModelConfig& config) {
  const int rotated = metadata.integer("rope.dimension_count", config.head_dim);
  if (rotated != config.head_dim) {
    fail("{}: rope.dimension_count {} is not the head size {}; partial RoPE is not supported", name, rotated,
         config.head_dim);
  }
  config.rope_theta = metadata.number("rope.freq_base", 10000.0);
  config.rope_inverse_frequencies = rope_frequencies(config.rope_theta, config.head_dim);
  const std::string scaling = metadata.text("rope.scaling.type", "linear");
  const double factor = metadata.number("rope.scaling.factor", metadata.number("rope.scale_linear", 1.0));
  if (scaling != "none" && scaling != "linear") {
    fail("{}: RoPE scaling '{}' is not supported; supported: none, linear, llama3 (as rope_freqs)", name,
         printable(scaling));
  }
  if (!(factor > 0)) fail("{}: RoPE scaling factor is {}, expected more than 0", name, factor);
  // As llama.cpp reads it: without a type a factor is linear, with the type none it does not count.
  if (scaling == "linear") {
    for (float& frequency : config.rope_inverse_frequencies)
      frequency = static_cast<float>(frequency / factor);
  }
  // llama3 scaling comes as a tensor of divisors.
  if (const Tensor* divisors = find_tensor(gguf, "rope_freqs.weight")) {
    if (divisors->dtype != DType::f32 || divisors->elements() != config.head_dim / 2) {
      fail("{}: tensor rope_freqs.weight: expected {} F32 values", name, config.head_dim / 2);
    }
    std::vector<float> values(config.rope_inverse_frequencies.size());
    dequantize(DType::f32, divisors->data, values);
    for (size_t i = 0; i < values.size(); ++i) config.rope_inverse_frequencies[i] /= values[i];
  }
}

}  // namespace

ModelConfig config_from_gguf(const Gguf& gguf, std::string_view name) {
  const Family& family = require_family(require<std::string>(gguf, "general.architecture"), name);
  const Metadata metadata(gguf, name, std::string(family.name) + ".");
  ModelConfig config;
  config.family = family.name;
  config.layers = metadata.integer("block_count");
  config.hidden = metadata.integer("embedding_length");
  config.heads = metadata.integer("attention.head_count");
  config.kv_heads = metadata.integer("attention.head_count_kv", config.heads);
  if (config.heads < 1) fail("{}: metadata attention.head_count is 0", name);
  config.head_dim = metadata.integer("attention.key_length", config.hidden / config.heads);
  if (metadata.integer("attention.value_length", config.head_dim) != config.head_dim) {
    fail("{}: attention.value_length differs from attention.key_length, which is not supported", name);
  }
  config.intermediate = metadata.integer("feed_forward_length");
  config.context = metadata.integer("context_length");
  config.norm_epsilon = static_cast<float>(metadata.number("attention.layer_norm_rms_epsilon"));
  metadata.refuse_unknown();
  const Tensor* embedding = find_tensor(gguf, tensor_name(Role::token_embedding, 0, true));
  if (embedding == nullptr)
    fail("{}: tensor {} is missing", name, tensor_name(Role::token_embedding, 0, true));
  config.vocabulary = static_cast<int>(embedding->shape.front());
  const auto present = [&](Role role) { return find_tensor(gguf, tensor_name(role, 0, true)) != nullptr; };
  config.tied_embeddings = !present(Role::lm_head);
  config.qkv_bias = family.always_qkv_bias || present(Role::query_bias);
  config.output_bias = present(Role::output_bias);
  config.mlp_bias = present(Role::gate_bias);
  config.pre_norm = family.pre_norm;
  config.post_norm = family.post_norm;
  config.qk_norm = family.qk_norm;
  if (config.head_dim < 1 || config.head_dim > 4096)
    fail("{}: head size is {}, expected 1 to 4096", name, config.head_dim);
  read_rope(gguf, metadata, name, config);
  validate(config, name);
  return config;
}

}  // namespace idleheads
