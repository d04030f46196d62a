// config.json of Hugging Face checkpoints (transformers' LlamaConfig, Qwen2Config, Olmo2Config).
#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "base/error.h"
#include "model/config.h"
#include "model/family.h"

namespace idleheads {
namespace {

// Keys that say nothing about what the forward pass computes.
constexpr std::array kIgnored = {"_name_or_path",
                                 "architectures",
                                 "attention_dropout",
                                 "auto_map",
                                 "bos_token_id",
                                 "chunk_size_feed_forward",
                                 "dtype",
                                 "eos_token_id",
                                 "initializer_range",
                                 "max_window_layers",
                                 "model_type",
                                 "output_attentions",
                                 "output_hidden_states",
                                 "pad_token_id",
                                 "return_dict",
                                 "task_specific_params",
                                 "tokenizer_class",
                                 "torch_dtype",
                                 "transformers_version",
                                 "transformers.js_config",
                                 "unk_token_id",
                                 "unsloth_fixed",
                                 "unsloth_version",
                                 "use_cache",
                                 "_attn_implementation_autoset",
                                 "embd_pdrop",
                                 "resid_pdrop",
                                 "attn_pdrop",
                                 "id2label",
                                 "label2id",
                                 "problem_type",
                                 "use_bfloat16",
                                 "sliding_window"};

class Reader {
 public:
  Reader(const Json& json, std::string_view name) : json_(json), name_(name) {
    if (!json.is_object()) fail("{}: expected a JSON object", name);
  }

  bool has(const char* key) const { return json_.contains(key) && !json_[key].is_null(); }

  int64_t integer(const char* key) {
    const Json& value = require(key);
    if (!value.is_number_integer() || value > std::numeric_limits<int>::max() || value < 0) {
      wrong(key, "a whole number that is not negative");
    }
    return value.get<int64_t>();
  }
  int64_t integer(const char* key, int64_t absent) { return present(key) ? integer(key) : absent; }

  double number(const char* key) {
    const Json& value = require(key);
    if (!value.is_number() || !std::isfinite(value.get<double>())) wrong(key, "a number");
    return value.get<double>();
  }

  bool boolean(const char* key, bool absent) {
    if (!present(key)) return absent;
    if (!json_[key].is_boolean()) wrong(key, "true or false");
    return json_[key].get<bool>();
  }

  std::string text(const char* key, std::string_view absent) {
    if (!present(key)) return std::string(absent);
    if (!json_[key].is_string()) wrong(key, "a string");
    return json_[key].get<std::string>();
  }

  std::vector<std::string> texts(const char* key) {
    std::vector<std::string> out;
    if (!present(key)) return out;
    if (!json_[key].is_array()) wrong(key, "a list of strings");
    for (const Json& item : json_[key]) {
      if (!item.is_string()) wrong(key, "a list of strings");
      out.push_back(item.get<std::string>());
    }
    return out;
  }

  const Json* object(const char* key) {
    if (!present(key)) return nullptr;
    if (!json_[key].is_object()) wrong(key, "an object");
    return &json_[key];
  }

  [[noreturn]] void wrong(const char* key, std::string_view expected) const {
    fail("{}: {} is {}, expected {}", name_, key,
         printable(json_[key].dump(-1, ' ', true, Json::error_handler_t::replace), 60), expected);
  }

  // A key nobody asked for could change the computation: refuse it rather than run a wrong model.
  void refuse_unread() const {
    for (const auto& [key, value] : json_.items()) {
      const bool known = std::find(read_.begin(), read_.end(), key) != read_.end() ||
                         std::find(kIgnored.begin(), kIgnored.end(), key) != kIgnored.end();
      if (!known && !value.is_null()) {
        fail("{}: key '{}' is not understood and might change what the model computes; value: {}", name_,
             printable(key), printable(value.dump(-1, ' ', true, Json::error_handler_t::replace), 60));
      }
    }
  }

 private:
  bool present(const char* key) {
    read_.emplace_back(key);
    return has(key);
  }
  const Json& require(const char* key) {
    if (!present(key)) fail("{}: {} is missing", name_, key);
    return json_[key];
  }

  const Json& json_;
  std::string_view name_;
  std::vector<std::string> read_;
};

void read_rope(Reader& reader, std::string_view name, ModelConfig& config) {
  config.rope_theta = reader.has("rope_theta") ? reader.number("rope_theta") : 10000.0;
  config.rope_inverse_frequencies = rope_frequencies(config.rope_theta, config.head_dim);
  const Json* scaling = reader.object("rope_scaling");
  if (scaling == nullptr) return;
  const std::string where = fmt::format("{}: rope_scaling", name);
  Reader rope(*scaling, where);
  const std::string type = rope.text("rope_type", rope.text("type", "default"));
  if (type == "llama3") {
    const Llama3Scaling llama3 = {rope.number("factor"), rope.number("low_freq_factor"),
                                  rope.number("high_freq_factor"),
                                  rope.number("original_max_position_embeddings")};
    if (!(llama3.factor > 0 && llama3.low_frequency_factor > 0 && llama3.original_context > 0 &&
          llama3.high_frequency_factor > llama3.low_frequency_factor)) {
      fail("{}: factors must be positive and high_freq_factor above low_freq_factor", where);
    }
    apply_llama3_scaling(llama3, config.rope_inverse_frequencies);
  } else if (type == "linear") {
    const double factor = rope.number("factor");
    if (!(factor > 0)) fail("{}: factor is {}, expected more than 0", where, factor);
    for (float& frequency : config.rope_inverse_frequencies)
      frequency = static_cast<float>(frequency / factor);
  } else if (type != "default") {
    fail("{}: type '{}' is not supported; supported: default, linear, llama3", where, printable(type));
  }
  rope.refuse_unread();
}

void check_fixed_values(Reader& reader, std::string_view name) {
  const std::string activation = reader.text("hidden_act", "silu");
  if (activation != "silu") {
    fail("{}: hidden_act '{}' is not supported; supported: silu", name, printable(activation));
  }
  if (reader.boolean("use_sliding_window", false)) {
    fail("{}: use_sliding_window true is not supported; only full attention is", name);
  }
  // pretraining_tp splits products without changing them mathematically.
  reader.integer("pretraining_tp", 1);
  for (const std::string& type : reader.texts("layer_types")) {
    if (type != "full_attention")
      fail("{}: layer type '{}' is not supported; only full_attention is", name, printable(type));
  }
}

}  // namespace

ModelConfig config_from_json(const Json& json, std::string_view name) {
  Reader reader(json, name);
  const Family& family = require_family(reader.text("model_type", ""), name);
  ModelConfig config;
  config.family = family.name;
  config.layers = static_cast<int>(reader.integer("num_hidden_layers"));
  config.hidden = static_cast<int>(reader.integer("hidden_size"));
  config.heads = static_cast<int>(reader.integer("num_attention_heads"));
  config.kv_heads = static_cast<int>(reader.integer("num_key_value_heads", config.heads));
  if (config.heads < 1) fail("{}: num_attention_heads is {}", name, config.heads);
  if (!reader.has("head_dim") && config.hidden % config.heads != 0) {
    fail("{}: hidden_size {} is not a multiple of num_attention_heads {}, and head_dim is missing", name,
         config.hidden, config.heads);
  }
  config.head_dim = static_cast<int>(reader.integer("head_dim", config.hidden / config.heads));
  config.intermediate = static_cast<int>(reader.integer("intermediate_size"));
  config.vocabulary = static_cast<int>(reader.integer("vocab_size"));
  config.context = reader.integer("max_position_embeddings");
  config.norm_epsilon = static_cast<float>(reader.number("rms_norm_eps"));
  config.tied_embeddings = reader.boolean("tie_word_embeddings", false);
  const bool attention_bias = reader.boolean("attention_bias", false);
  config.qkv_bias = attention_bias || family.always_qkv_bias;
  config.output_bias = attention_bias;
  config.mlp_bias = reader.boolean("mlp_bias", false);
  config.pre_norm = family.pre_norm;
  config.post_norm = family.post_norm;
  config.qk_norm = family.qk_norm;
  if (config.head_dim < 1 || config.head_dim > 4096)
    fail("{}: head_dim is {}, expected 1 to 4096", name, config.head_dim);
  read_rope(reader, name, config);
  check_fixed_values(reader, name);
  reader.refuse_unread();
  validate(config, name);
  return config;
}

}  // namespace idleheads
