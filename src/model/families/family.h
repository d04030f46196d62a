// A family of models: how its checkpoints say what the model computes, and where its tensors are. One file of
// this folder each; nothing outside of it asks which family a model is of.
#pragma once

#include <span>
#include <string_view>
#include <variant>

#include "idleheads/model/roles.h"
#include "idleheads/model/spec.h"
#include "model/gguf_reader.h"
#include "model/json_reader.h"

namespace idleheads {

// A key of config.json that changes nothing at one value (or where it is null).
struct KeyAtRest {
  std::string_view key;
  std::variant<bool, double> value;
};

struct Family {
  std::string_view name;          // model_type in config.json
  std::string_view architecture;  // "LlamaForCausalLM" in config.json's architectures
  std::string_view gguf;          // general.architecture; empty: GGUF has none of its own

  // Fill everything but the family's name, also how the file stores its tensors. Keys they do not read are
  // refused afterwards, unless they are known to change nothing (config_keys.h and the lists below;
  // gguf_reader.h).
  void (*read_json)(JsonReader& reader, ModelSpec& spec);  // nullptr: a family of GGUF files alone
  void (*read_gguf)(GgufReader& reader, ModelSpec& spec);  // nullptr if `gguf` is empty

  std::string_view old_architecture = {};  // another name of the class
  // Keys of config.json that this family's forward pass never reads while another's would.
  std::span<const std::string_view> inert_keys = {};
  std::span<const KeyAtRest> keys_at_rest = {};
  std::span<const TensorName> tensors = {};  // names that are not Llama's
  // Ends of the names of tensors that hold no weights: masks and tables.
  std::span<const std::string_view> constants = {};
};

extern const Family kCohere, kCohere2, kDeci, kExaone4, kFalcon, kGemma, kGemma2, kGemma3, kGemma3Text, kGlm4,
    kGpt2, kGptNeox, kGptOss, kGranite, kLlama, kMistral, kMixtral, kOlmo, kOlmo2, kOlmo3, kOlmoe, kPhi,
    kPhi3, kQwen2, kQwen3, kQwen3Moe, kSmolLm3, kStableLm, kStarcoder2;

std::span<const Family* const> families();
// By model_type, or by GGUF's architecture. Throws Error with the reason, or else with the list of supported
// families.
const Family& family_of_json(std::string_view model_type, std::string_view source);
const Family& family_of_gguf(std::string_view architecture, std::string_view source);
// By ModelSpec::family.
const Family& family_named(std::string_view name);

}  // namespace idleheads
