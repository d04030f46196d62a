// Model sizes from GGUF metadata ("llama.block_count", ...; ggml-org/ggml docs/gguf.md).
#include <algorithm>
#include <climits>
#include <cmath>
#include <limits>
#include <set>

#include "base/error.h"
#include "model/config.h"
#include "model/family.h"

namespace idleheads {
namespace {

// The keys under the architecture's prefix; every look-up marks its key as read.
class Metadata {
 public:
  Metadata(const Gguf& gguf, std::string_view name, std::string prefix)
      : gguf_(gguf), name_(name), prefix_(std::move(prefix)) {}

  // A size. Some writers give one number per layer; those are accepted where all are equal.
  int integer(const std::string& key) {
    if (!has(key)) fail("{}: metadata {}{} is missing", name_, prefix_, key);
    const GgufValue& found = gguf_.metadata.at(prefix_ + key);
    int64_t value = -1;
    if (const auto* list = std::get_if<std::vector<int64_t>>(&found); list != nullptr && !list->empty()) {
      value = list->front();
      if (std::count(list->begin(), list->end(), value) != static_cast<int64_t>(list->size())) {
        fail("{}: metadata {}{} differs from layer to layer, which is not supported", name_, prefix_, key);
      }
    } else if (const auto* number = std::get_if<int64_t>(&found)) {
      value = *number;
    }
    if (value < 0 || value > std::numeric_limits<int>::max()) {
      fail("{}: metadata {}{} is not a sensible whole number", name_, prefix_, key);
    }
    return static_cast<int>(value);
  }
  int integer(const std::string& key, int absent) { return has(key) ? integer(key) : absent; }

  double number(const std::string& key) {
    read_.insert(prefix_ + key);
    return require<double>(gguf_, prefix_ + key);
  }
  double number(const std::string& key, double absent) { return has(key) ? number(key) : absent; }
  bool boolean(const std::string& key, bool absent) {
    return has(key) ? require<bool>(gguf_, prefix_ + key) : absent;
  }
  std::string text(const std::string& key, std::string absent) {
    return has(key) ? require<std::string>(gguf_, prefix_ + key) : absent;
  }
  bool has(const std::string& key) {
    read_.insert(prefix_ + key);
    return gguf_.metadata.contains(prefix_ + key);
  }

  template <typename T>
  [[noreturn]] void wrong(const std::string& key, const T& value, std::string_view expected) const {
    fail("{}: metadata {}{} is {}, expected {}", name_, prefix_, key, value, expected);
  }

  // A key nobody read could change the computation: refuse it rather than run a wrong model.
  void refuse_unread() const {
    for (const auto& [key, value] : gguf_.metadata) {
      if (key.starts_with(prefix_) && !read_.contains(key)) {
        fail("{}: metadata {} is not understood and might change what the model computes", name_,
             printable(key));
      }
    }
  }

 private:
  const Gguf& gguf_;
  std::string_view name_;
  std::string prefix_;
  std::set<std::string> read_;
};

// A file that is no model, or one whose blocks are laid out in a way that is not known.
void check_general(const Gguf& gguf, std::string_view name) {
  const std::string* type = find<std::string>(gguf, "general.type");
  const auto has_prefix = [&](std::string_view prefix) {
    const auto first = gguf.metadata.lower_bound(std::string(prefix));
    return first != gguf.metadata.end() && first->first.starts_with(prefix);
  };
  if ((type != nullptr && *type == "adapter") || has_prefix("adapter.")) {
    fail("{}: a LoRA adapter, not a model; merge it into its base model first and give the merged file",
         name);
  }
  if ((type != nullptr && *type == "imatrix") || has_prefix("imatrix.")) {
    fail("{}: an importance matrix for quantising, not a model", name);
  }
  const std::string* architecture = find<std::string>(gguf, "general.architecture");
  if ((type != nullptr && *type == "mmproj") || (architecture != nullptr && *architecture == "clip")) {
    fail("{}: the image or audio part of a multimodal model (mmproj), not a language model", name);
  }
  if (type != nullptr && *type != "model") {
    fail("{}: metadata general.type is '{}', expected 'model'", name, printable(*type));
  }
  constexpr int64_t kKnownQuantization = 2;  // GGML_QNT_VERSION
  if (const int64_t* version = find<int64_t>(gguf, "general.quantization_version");
      version != nullptr && *version != kKnownQuantization) {
    fail("{}: metadata general.quantization_version is {}, expected {}; convert the model again", name,
         *version, kKnownQuantization);
  }
}

const Tensor* find_tensor(const Gguf& gguf, const std::string& name) {
  const auto found =
      std::find_if(gguf.tensors.begin(), gguf.tensors.end(), [&](const Tensor& t) { return t.name == name; });
  return found == gguf.tensors.end() ? nullptr : &*found;
}

// The factor of linear scaling; 1 if there is none.
double read_scaling(Metadata& metadata, std::string_view name) {
  const std::string type = metadata.text("rope.scaling.type", "linear");
  if (type != "none" && type != "linear") {
    fail("{}: RoPE scaling '{}' is not supported; supported: none, linear, llama3 (as rope_freqs)", name,
         printable(type));
  }
  // The older key counts where the newer one is missing.
  const double older = metadata.number("rope.scale_linear", 1.0);
  const double factor = metadata.number("rope.scaling.factor", older);
  if (!(factor > 0)) fail("{}: RoPE scaling factor is {}, expected more than 0", name, factor);
  if (metadata.has("rope.scale_linear") && older != factor) {
    metadata.wrong("rope.scale_linear", older, "the value of rope.scaling.factor");
  }
  // llama.cpp multiplies the rotated rows by it, whatever the type.
  const double magnitude = metadata.number("rope.scaling.attn_factor", 1.0);
  if (magnitude != 1) metadata.wrong("rope.scaling.attn_factor", magnitude, "1");
  // Only YaRN looks at these two.
  metadata.integer("rope.scaling.original_context_length", 0);
  metadata.boolean("rope.scaling.finetuned", false);
  // As llama.cpp reads it: without a type a factor is linear, with the type none it does not count.
  return type == "linear" ? factor : 1;
}

void read_rope(const Gguf& gguf, Metadata& metadata, std::string_view name, ModelConfig& config) {
  const int rotated = metadata.integer("rope.dimension_count", config.head_dim);
  if (rotated != config.head_dim) {
    fail("{}: rope.dimension_count {} is not the head size {}; partial RoPE is not supported", name, rotated,
         config.head_dim);
  }
  config.rope_theta = metadata.number("rope.freq_base", 10000.0);
  config.rope_inverse_frequencies = rope_frequencies(config.rope_theta, config.head_dim);
  if (const double factor = read_scaling(metadata, name); factor != 1) {
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

// Keys that other families' forward passes act upon, each at a value that changes nothing here.
void check_fixed_values(Metadata& metadata, const Family& family, const ModelConfig& config) {
  if (!metadata.boolean("attention.causal", true)) metadata.wrong("attention.causal", "false", "true");
  if (metadata.boolean("use_parallel_residual", false))
    metadata.wrong("use_parallel_residual", "true", "false");
  constexpr std::string_view kLayoutKey = "tensor_data_layout", kPermuted = "Meta AI original pth";
  const std::string layout = metadata.text(std::string(kLayoutKey), "");
  if (metadata.has(std::string(kLayoutKey)) && !(layout == kPermuted && family.gguf_permutes_qk)) {
    metadata.wrong(std::string(kLayoutKey), printable(layout), "the layout of llama.cpp's converter");
  }
  for (const char* key : {"attention.sliding_window", "expert_count", "expert_used_count",
                          "expert_shared_count", "nextn_predict_layers", "pooling_type"}) {
    if (const int value = metadata.integer(key, 0); value != 0) metadata.wrong(key, value, "0");
  }
  for (const char* key : {"attn_logit_softcapping", "final_logit_softcapping", "attention.clamp_kqv",
                          "attention.max_alibi_bias"}) {
    if (const double value = metadata.number(key, 0); value != 0) metadata.wrong(key, value, "0");
  }
  // 0 stands for "not given" in llama.cpp.
  for (const char* key : {"logit_scale", "embedding_scale", "residual_scale"}) {
    if (const double value = metadata.number(key, 1); value != 0 && value != 1)
      metadata.wrong(key, value, "1");
  }
  const double usual = 1 / std::sqrt(static_cast<double>(config.head_dim));
  const double scale = metadata.number("attention.scale", 0);
  if (scale != 0 && std::abs(scale - usual) > 1e-6 * usual) {
    metadata.wrong("attention.scale", scale, fmt::format("{}, 1 / sqrt(head size)", usual));
  }
  if (const double epsilon = metadata.number("attention.layer_norm_epsilon", config.norm_epsilon);
      static_cast<float>(epsilon) != config.norm_epsilon) {
    metadata.wrong("attention.layer_norm_epsilon", epsilon, "the value of attention.layer_norm_rms_epsilon");
  }
  if (const int vocabulary = metadata.integer("vocab_size", config.vocabulary);
      vocabulary != config.vocabulary) {
    metadata.wrong("vocab_size", vocabulary, fmt::format("{}, the rows of the embedding", config.vocabulary));
  }
}

void read_sizes(Metadata& metadata, std::string_view name, ModelConfig& config) {
  config.layers = metadata.integer("block_count");
  config.hidden = metadata.integer("embedding_length");
  config.heads = metadata.integer("attention.head_count");
  config.kv_heads = metadata.integer("attention.head_count_kv", config.heads);
  if (config.heads < 1) fail("{}: metadata attention.head_count is 0", name);
  config.head_dim = metadata.integer("attention.key_length", config.hidden / config.heads);
  if (metadata.integer("attention.value_length", config.head_dim) != config.head_dim) {
    fail("{}: attention.value_length differs from attention.key_length, which is not supported", name);
  }
  if (config.head_dim < 1 || config.head_dim > 4096)
    fail("{}: head size is {}, expected 1 to 4096", name, config.head_dim);
  config.intermediate = metadata.integer("feed_forward_length");
  config.context = metadata.integer("context_length");
  config.norm_epsilon = static_cast<float>(metadata.number("attention.layer_norm_rms_epsilon"));
}

// What the tensor table says.
void read_tensors(const Gguf& gguf, const Family& family, std::string_view name, ModelConfig& config) {
  const auto present = [&](Role role) { return find_tensor(gguf, tensor_name(role, 0, true)); };
  const Tensor* embedding = present(Role::token_embedding);
  if (embedding == nullptr)
    fail("{}: tensor {} is missing", name, tensor_name(Role::token_embedding, 0, true));
  config.vocabulary = static_cast<int>(std::min<int64_t>(embedding->shape.front(), INT_MAX));
  config.tied_embeddings = present(Role::lm_head) == nullptr;
  config.qkv_bias = family.always_qkv_bias || present(Role::query_bias) != nullptr;
  config.output_bias = present(Role::output_bias) != nullptr;
  config.mlp_bias = present(Role::gate_bias) != nullptr;
}

}  // namespace

ModelConfig config_from_gguf(const Gguf& gguf, std::string_view name) {
  check_general(gguf, name);
  const Family& family = require_family(require<std::string>(gguf, "general.architecture"), name);
  Metadata metadata(gguf, name, std::string(family.name) + ".");
  ModelConfig config;
  config.family = family.name;
  config.pre_norm = family.pre_norm;
  config.post_norm = family.post_norm;
  config.qk_norm = family.qk_norm;
  read_sizes(metadata, name, config);
  read_tensors(gguf, family, name, config);
  read_rope(gguf, metadata, name, config);
  check_fixed_values(metadata, family, config);
  metadata.refuse_unread();
  validate(config, name);
  return config;
}

}  // namespace idleheads
