// How config.json is read: values that change nothing, spellings of RoPE, and what each family looks at.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <functional>

#include "base/mapped_file.h"
#include "format/json.h"
#include "idleheads/base/error.h"
#include "model/config.h"
#include "model/rope.h"

namespace idleheads {
namespace {

using testing::HasSubstr;

Json tiny(const std::string& family) {
  const auto path = std::filesystem::path(IDLEHEADS_TEST_DATA) / "golden/tiny" / family / "config.json";
  return parse_json(read_text_file(path), "config.json");
}

ModelSpec config_with(const std::string& family, const Json& changes) {
  Json config = tiny(family);
  for (const auto& [key, value] : changes.items()) config[key] = value;
  return spec_from_json(config, "config.json");
}

std::string error_with(const std::string& family, const Json& changes) {
  try {
    config_with(family, changes);
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

TEST(ConfigJson, KeysThatChangeNothing) {
  const Json inert = Json::parse(R"({
    "use_mrope": false, "is_llama_config": true, "rope_interleaved": false, "use_sliding_window": false,
    "attention_chunk_size": null, "tie_encoder_decoder": false, "is_decoder": false, "is_encoder_decoder": false,
    "add_cross_attention": false, "cross_attention_hidden_size": null, "partial_rotary_factor": 1,
    "clip_qkv": null, "logit_scale": 1.0, "pruned_heads": {}, "quantization_config": null, "rope_ratio": 1,
    "embedding_multiplier": 1.0, "attention_out_bias": false, "no_rope_layers": [], "top_k": 50,
    "temperature": 0.7, "num_beams": 4, "torchscript": true, "use_bfloat16": true, "tf_legacy_loss": false,
    "finetuning_task": "x", "prefix": null, "sep_token_id": 3, "id2label": {"0": "a"}, "typical_p": 1.0,
    "bad_words_ids": [[1]], "gradient_checkpointing": true, "neftune_noise_alpha": 5, "unsloth_version": "2025",
    "unsloth_anything": {}, "_flash_attn_2_enabled": true, "dtype": "bfloat16", "auto_map": {},
    "transformers.js_config": {"kv_cache_dtype": {"q4f16": "float16"}}, "hidden_act": "swish",
    "rope_scaling_unknown": null})");
  for (const char* family : {"llama", "qwen2", "olmo2"})
    EXPECT_EQ(error_with(family, inert), "no error") << family;
}

TEST(ConfigJson, TheSameKeysAtValuesThatAct) {
  const std::vector<std::pair<std::string, Json>> acting = {{"use_mrope", true},
                                                            {"is_llama_config", false},
                                                            {"rope_interleaved", true},
                                                            {"attention_chunk_size", 8192},
                                                            {"tie_encoder_decoder", true},
                                                            {"is_encoder_decoder", true},
                                                            {"add_cross_attention", true},
                                                            {"cross_attention_hidden_size", 64},
                                                            {"partial_rotary_factor", 0.5},
                                                            {"clip_qkv", 8},
                                                            {"logit_scale", 0.5},
                                                            {"pruned_heads", {{"0", {1}}}},
                                                            {"rope_ratio", 2},
                                                            {"embedding_multiplier", 12},
                                                            {"attention_out_bias", true},
                                                            {"no_rope_layers", {0, 1}},
                                                            {"use_mrope", "false"},
                                                            {"logit_scale", true},
                                                            {"dual_chunk_attention_config", Json::object()},
                                                            {"some_new_key", 1}};
  for (const auto& [key, value] : acting) {
    for (const char* family : {"llama", "qwen2", "olmo2"})
      EXPECT_THAT(error_with(family, {{key, value}}), HasSubstr(key)) << family << " " << value;
  }
  EXPECT_THAT(error_with("llama", {{"quantization_config", {{"bits", 4}}}}), HasSubstr("GGUF file of it"));
  EXPECT_THAT(error_with("llama", {{"quantization", {{"bits", 4}}}}), HasSubstr("weights are quantised"));
}

// What one family reads another ignores.
TEST(ConfigJson, ListsAreThoseOfTheFamily) {
  for (const char* family : {"llama", "qwen2"}) {
    EXPECT_EQ(error_with(family, {{"sliding_window", 4096}, {"max_window_layers", 21}}), "no error")
        << family;
    EXPECT_EQ(error_with(family, {{"use_qk_norm", false}}), "no error") << family;
    EXPECT_THAT(error_with(family, {{"use_qk_norm", true}}), HasSubstr("use_qk_norm")) << family;
  }
  EXPECT_THAT(error_with("olmo2", {{"sliding_window", 4096}}), HasSubstr("sliding_window"));
  EXPECT_EQ(error_with("olmo2", {{"use_qk_norm", true}}), "no error");
  EXPECT_THAT(error_with("olmo2", {{"use_qk_norm", false}}), HasSubstr("use_qk_norm"));
  EXPECT_TRUE(config_with("llama", {{"attention_bias", true}}).layers[0].attention.output_bias);
  EXPECT_TRUE(config_with("olmo2", {{"attention_bias", true}}).layers[0].attention.output_bias);
  EXPECT_FALSE(config_with("qwen2", {{"attention_bias", true}}).layers[0].attention.output_bias);
  EXPECT_TRUE(config_with("llama", {{"mlp_bias", true}}).layers[0].mlp.bias);
  EXPECT_FALSE(config_with("qwen2", {{"mlp_bias", true}}).layers[0].mlp.bias);
}

std::vector<int64_t> windows(const ModelSpec& spec) {
  std::vector<int64_t> out;
  for (const LayerSpec& layer : spec.layers) out.push_back(layer.attention.window);
  return out;
}

// Qwen's window: off unless asked for, then from a layer on, or where layer_types says.
TEST(ConfigJson, WindowsOfQwen) {
  using Windows = std::vector<int64_t>;
  for (const char* family : {"llama", "olmo2"}) {
    EXPECT_EQ(error_with(family, {{"use_sliding_window", false}}), "no error") << family;
    EXPECT_THAT(error_with(family, {{"use_sliding_window", true}}), HasSubstr("use_sliding_window"))
        << family;
  }
  const Json on = {{"num_hidden_layers", 3}, {"use_sliding_window", true}, {"sliding_window", 8}};
  const auto with = [&](const Json& changes) {
    Json all = on;
    all.update(changes);
    return windows(config_with("qwen2", all));
  };
  EXPECT_EQ(with({{"max_window_layers", 1}}), (Windows{0, 8, 8}));
  EXPECT_EQ(with(Json::object()), (Windows{0, 0, 0})) << "from layer 28 on";
  EXPECT_EQ(with({{"max_window_layers", 0}, {"sliding_window", nullptr}}), (Windows{0, 0, 0}));
  EXPECT_EQ(with({{"max_window_layers", 0}, {"use_sliding_window", false}}), (Windows{0, 0, 0}));
  EXPECT_EQ(with({{"layer_types", {"sliding_attention", "full_attention", "sliding_attention"}}}),
            (Windows{8, 0, 8}));
  EXPECT_THAT(error_with("qwen2", {{"num_hidden_layers", 1}, {"layer_types", {"sliding_attention"}}}),
              HasSubstr("only full_attention is"));
}

// What decides about heads and windows must be said: other models' defaults would be taken for it.
TEST(ConfigJson, KeysWithDefaultsOfOneModelAreRequired) {
  const auto without = [](Json config, const char* key) {
    config.erase(key);
    try {
      spec_from_json(config, "config.json");
    } catch (const Error& error) {
      return std::string(error.what());
    }
    return std::string("no error");
  };
  Json config = tiny("llama");
  config.erase("architectures");
  config["sliding_window"] = nullptr;
  config["head_dim"] = 16;
  config.erase("attention_bias");
  config.erase("mlp_bias");
  for (const char* family : {"mistral", "qwen3"}) {
    config["model_type"] = family;
    EXPECT_EQ(without(config, "no_such_key"), "no error") << family;
    EXPECT_THAT(without(config, "num_key_value_heads"), HasSubstr("num_key_value_heads is missing"))
        << family;
  }
  EXPECT_THAT(without(config, "head_dim"), HasSubstr("head_dim is missing"));
  config["model_type"] = "mistral";
  EXPECT_THAT(without(config, "sliding_window"), HasSubstr("sliding_window is missing"));
  config["sliding_window"] = 4096;
  EXPECT_EQ(spec_from_json(config, "config.json").layers[0].attention.window, 4096);
}

TEST(ConfigJson, WhatTheModelWasSavedAs) {
  EXPECT_EQ(error_with("llama", {{"architectures", nullptr}}), "no error");
  EXPECT_EQ(error_with("llama", {{"architectures", {"LLaMAForCausalLM"}}}), "no error");
  for (const char* name : {"LlamaForSequenceClassification", "LlamaModel", "Qwen2ForCausalLM"}) {
    EXPECT_THAT(error_with("llama", {{"architectures", {name}}}), HasSubstr(std::string("names ") + name));
  }
  EXPECT_THAT(error_with("qwen2", {{"architectures", {"Qwen2ForRewardModel"}}}),
              HasSubstr("Qwen2ForRewardModel"));
  EXPECT_THAT(error_with("llama", {{"model_type", nullptr}}), HasSubstr("model_type is missing"));
}

TEST(ConfigJson, NullsAreAsTransformersTakesThem) {
  const ModelSpec config = config_with("llama", {{"num_key_value_heads", nullptr}, {"head_dim", nullptr}});
  EXPECT_EQ(config.kv_heads(), config.heads());
  EXPECT_EQ(config.layers[0].attention.head_dim, config.hidden / config.heads());
  EXPECT_EQ(config_with("qwen2", {{"num_key_value_heads", nullptr}}).kv_heads(), 8);
  Json without = tiny("qwen2");
  without.erase("num_key_value_heads");
  EXPECT_THROW(spec_from_json(without, "config.json"), Error);
}

TEST(ConfigJson, BothSpellingsOfRopeAreTheSame) {
  const ModelSpec old = config_with("llama", {});
  Json scaling = tiny("llama")["rope_scaling"];
  Json parameters = scaling;
  parameters["rope_theta"] = 500000.0;
  const std::vector<std::pair<Json, std::string>> right = {
      {{{"rope_scaling", nullptr}, {"rope_theta", nullptr}, {"rope_parameters", parameters}}, "new"},
      {{{"rope_parameters", parameters}}, "both"},
      {{{"rope_scaling", parameters}, {"rope_theta", nullptr}}, "theta inside rope_scaling"},
      {{{"rope_parameters", scaling}, {"rope_scaling", nullptr}}, "theta outside"},
      {{{"rope_parameters", {{"full_attention", parameters}}},
        {"layer_types",
         Json::array({"full_attention", "full_attention", "full_attention", "full_attention"})}},
       "by type of layer"}};
  for (const auto& [changes, what] : right) {
    EXPECT_EQ(config_with("llama", changes).ropes[0].inverse_frequencies, old.ropes[0].inverse_frequencies)
        << what;
  }
  const Json plain = {{"rope_scaling", nullptr},
                      {"rope_theta", nullptr},
                      {"rope_parameters", {{"rope_type", "default"}, {"rope_theta", 5000}}}};
  EXPECT_EQ(config_with("llama", plain).ropes[0].inverse_frequencies,
            rope_frequencies(5000, old.layers[0].attention.head_dim));
}

TEST(ConfigJson, OldAndNewNamesOfARopeType) {
  const Json linear = {{"rope_scaling", {{"type", "linear"}, {"factor", 4.0}}}};
  const ModelSpec config = config_with("llama", linear);
  EXPECT_FLOAT_EQ(config.ropes[0].inverse_frequencies[1],
                  rope_frequencies(500000, config.layers[0].attention.head_dim)[1] / 4);
  EXPECT_EQ(error_with("llama", {{"rope_scaling", {{"type", "default"}, {"factor", 1.0}}}}), "no error");
  EXPECT_THAT(error_with("llama", {{"rope_scaling", {{"type", "default"}, {"factor", 2.0}}}}),
              HasSubstr("factor is 2.0"));
  EXPECT_THAT(
      error_with("llama", {{"rope_scaling", {{"type", "linear"}, {"rope_type", "llama3"}, {"factor", 4.0}}}}),
      HasSubstr("contradict each other"));
}

TEST(ConfigJson, SpellingsThatContradict) {
  Json parameters = tiny("llama")["rope_scaling"];
  parameters["rope_theta"] = 10000.0;
  EXPECT_THAT(error_with("llama", {{"rope_parameters", parameters}}),
              HasSubstr("contradicts the rope_theta 10000"));
  parameters["rope_theta"] = 500000.0;
  parameters["factor"] = 8.0;
  EXPECT_THAT(error_with("llama", {{"rope_parameters", parameters}}),
              HasSubstr("rope_scaling and rope_parameters contradict"));
  const Json by_layer = {{"full_attention", parameters}};
  EXPECT_THAT(error_with("llama", {{"rope_parameters", by_layer}}), HasSubstr("given by type of layer"));
  Json mixed = by_layer;
  mixed["rope_theta"] = 1;
  EXPECT_THAT(error_with("llama", {{"rope_parameters", mixed}}),
              HasSubstr("both types of layers and rope_theta"));
  EXPECT_THAT(error_with("llama", {{"rope_parameters", {{"rope_type", "ntk"}, {"factor", 2}}}}),
              HasSubstr("type 'ntk'"));
  parameters["mscale"] = 1;
  EXPECT_THAT(error_with("llama", {{"rope_parameters", parameters}}),
              HasSubstr("'mscale' is not understood"));
  EXPECT_THAT(error_with("llama", {{"layer_types", {"full_attention"}}}),
              HasSubstr("layer_types has 1 entries"));
  EXPECT_THAT(error_with("llama", {{"layer_types", {"sliding_attention"}}}),
              HasSubstr("'sliding_attention'"));
}

}  // namespace
}  // namespace idleheads
