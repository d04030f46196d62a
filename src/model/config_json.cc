// config.json of Hugging Face checkpoints (transformers' LlamaConfig, Qwen2Config, Olmo2Config).
#include "base/error.h"
#include "model/config.h"
#include "model/config_keys.h"
#include "model/config_rope.h"
#include "model/family.h"
#include "model/json_reader.h"

namespace idleheads {
namespace {

// transformers chooses the class by model_type and would load any file of the family, with a random LM head
// where there is none. What was saved from another class is not a language model.
void check_architectures(JsonReader& reader, const Family& family) {
  for (const std::string& name : reader.texts("architectures")) {
    if (name == family.architecture || (name == "LLaMAForCausalLM" && family.name == "llama")) continue;
    fail(
        "{}: architectures names {}, expected {}: the model was saved as something else than a language "
        "model "
        "of the family {}",
        reader.name(), printable(name), family.architecture, family.name);
  }
}

const Family& read_family(JsonReader& reader) {
  const std::string name = reader.text("model_type", "");
  if (name.empty()) {
    std::string supported;
    for (const Family& family : families())
      supported.append(supported.empty() ? "" : ", ").append(family.name);
    fail("{}: model_type is missing; supported: {}", reader.name(), supported);
  }
  const Family& family = require_family(name, reader.name());
  check_architectures(reader, family);
  return family;
}

void read_sizes(JsonReader& reader, const Family& family, ModelConfig& config) {
  const std::string_view name = reader.name();
  config.layers = static_cast<int>(reader.integer("num_hidden_layers"));
  config.hidden = static_cast<int>(reader.integer("hidden_size"));
  config.heads = static_cast<int>(reader.integer("num_attention_heads"));
  if (config.heads < 1) fail("{}: num_attention_heads is {}", name, config.heads);
  // null is as many as heads in every family; a key that is not there is so in Llama and OLMo 2, and 32 in
  // Qwen2.
  if (family.name == "qwen2" && !reader.json().contains("num_key_value_heads")) {
    fail("{}: num_key_value_heads is missing", name);
  }
  config.kv_heads = static_cast<int>(reader.integer("num_key_value_heads", config.heads));
  if (!reader.has("head_dim") && config.hidden % config.heads != 0) {
    fail("{}: hidden_size {} is not a multiple of num_attention_heads {}, and head_dim is missing", name,
         config.hidden, config.heads);
  }
  config.head_dim = static_cast<int>(reader.integer("head_dim", config.hidden / config.heads));
  if (config.head_dim < 1 || config.head_dim > 4096)
    fail("{}: head_dim is {}, expected 1 to 4096", name, config.head_dim);
  config.intermediate = static_cast<int>(reader.integer("intermediate_size"));
  config.vocabulary = static_cast<int>(reader.integer("vocab_size"));
  config.context = reader.integer("max_position_embeddings");
}

void read_biases(JsonReader& reader, const Family& family, ModelConfig& config) {
  config.qkv_bias = family.always_qkv_bias;
  if (family.attention_bias_key) {
    config.output_bias = reader.boolean("attention_bias", false);
    config.qkv_bias = config.qkv_bias || config.output_bias;
  }
  if (family.mlp_bias_key) config.mlp_bias = reader.boolean("mlp_bias", false);
}

void check_activation(JsonReader& reader) {
  const std::string activation = reader.text("hidden_act", "silu");
  if (activation != "silu" && activation != "swish") {
    fail("{}: hidden_act '{}' is not supported; supported: silu", reader.name(), printable(activation));
  }
}

std::vector<std::string> read_layer_types(JsonReader& reader, int layers) {
  std::vector<std::string> types = reader.texts("layer_types");
  for (const std::string& type : types) {
    if (type != "full_attention") {
      fail("{}: layer type '{}' is not supported; only full_attention is", reader.name(), printable(type));
    }
  }
  if (!types.empty() && types.size() != static_cast<size_t>(layers)) {
    fail("{}: layer_types has {} entries, expected num_hidden_layers, {}", reader.name(), types.size(),
         layers);
  }
  return types;
}

}  // namespace

ModelConfig config_from_json(const Json& json, std::string_view name) {
  JsonReader reader(json, name);
  const Family& family = read_family(reader);
  ModelConfig config;
  config.family = family.name;
  read_sizes(reader, family, config);
  config.norm_epsilon = static_cast<float>(reader.number("rms_norm_eps"));
  config.tied_embeddings = reader.boolean("tie_word_embeddings", false);
  read_biases(reader, family, config);
  config.pre_norm = family.pre_norm;
  config.post_norm = family.post_norm;
  config.qk_norm = family.qk_norm;
  check_activation(reader);
  read_rope(reader, read_layer_types(reader, config.layers), config);
  refuse_acting_keys(reader, family);
  validate(config, name);
  return config;
}

}  // namespace idleheads
