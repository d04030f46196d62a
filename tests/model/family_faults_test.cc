// Families' folders with one fault each: it is named in one line, and nothing is guessed.
#include <map>
#include <numeric>

#include "model/changed_golden.h"
#include "model/families/family.h"
#include "model/families/unsupported.h"

namespace idleheads {
namespace {

using test::opening_of;
using testing::AllOf;
using testing::HasSubstr;

std::string with(const std::string& family, const std::string& key, const Json& value) {
  return opening_of(family, [&](Json& config) { config[key] = value; });
}

std::string without_rope_key(const std::string& family, const std::string& key) {
  return opening_of(family, [&](Json& config) { config.at("rope_scaling").erase(key); });
}

// With a tensor that is another or one more, all its numbers `value`.
std::string with_tensor(const std::string& family, const std::string& name, const std::vector<int64_t>& shape,
                        float value = 0) {
  const int64_t count = std::accumulate(shape.begin(), shape.end(), int64_t{1}, std::multiplies());
  const std::vector<float> values(static_cast<size_t>(count), value);
  return opening_of(
      family, [](Json&) {},
      [&](std::vector<Tensor>& tensors) {
        std::erase_if(tensors, [&](const Tensor& tensor) { return tensor.name == name; });
        tensors.push_back({name, DType::f32, shape, std::as_bytes(std::span(values))});
      });
}

TEST(FamilyFaults, LayerLists) {
  EXPECT_THAT(with("gemma3_text", "layer_types", {"full_attention"}),
              HasSubstr("layer_types has 1 entries, expected num_hidden_layers, 3"));
  EXPECT_THAT(with("gpt_oss", "layer_types", std::vector<std::string>(9, "sliding_attention")),
              HasSubstr("layer_types has 9 entries, expected num_hidden_layers, 3"));
  EXPECT_THAT(with("olmo3", "layer_types", {"full_attention", "sliding_attention", "linear_attention"}),
              HasSubstr("layer type 'linear_attention' is not supported"));
  EXPECT_THAT(with("smollm3", "no_rope_layers", {1}), HasSubstr("no_rope_layers has 1 entries, expected 4"));
}

TEST(FamilyFaults, Windows) {
  for (const char* family :
       {"mistral", "gemma2", "gemma3_text", "gpt_oss", "olmo3", "cohere2", "starcoder2", "phi3", "exaone4"}) {
    EXPECT_THAT(with(family, "sliding_window", 0), HasSubstr("sliding_window is 0, expected 1 or more"))
        << family;
    EXPECT_THAT(with(family, "sliding_window", -8), HasSubstr("sliding_window is -8")) << family;
    EXPECT_THAT(with(family, "sliding_window", "8"), HasSubstr("sliding_window is \"8\"")) << family;
  }
}

// A key with two names.
TEST(FamilyFaults, Heads) {
  const auto heads = [](const std::string& family, const char* key, const Json& value) {
    return opening_of(family, [&](Json& config) {
      for (const char* name : {"num_attention_heads", "n_head"}) config.erase(name);
      if (key != nullptr) config[key] = value;
    });
  };
  EXPECT_THAT(heads("falcon_new", "n_head", 7), HasSubstr("n_head is 7, expected a divisor of hidden_size"));
  EXPECT_THAT(heads("falcon_new", "num_attention_heads", 0), HasSubstr("num_attention_heads is 0, expected"));
  EXPECT_THAT(heads("falcon_new", nullptr, {}), HasSubstr("num_attention_heads is missing"));
  EXPECT_THAT(heads("gpt2", nullptr, {}), HasSubstr("n_head is missing"));
}

TEST(FamilyFaults, Experts) {
  for (const char* family : {"qwen3_moe", "mixtral", "olmoe"}) {
    EXPECT_THAT(with(family, "num_experts_per_tok", 0), HasSubstr("experts per token is 0, expected 1 to"))
        << family;
    EXPECT_THAT(with(family, "num_experts_per_tok", 99), HasSubstr("experts per token is 99, expected 1 to"))
        << family;
  }
  EXPECT_THAT(with("qwen3_moe", "num_experts", 0), HasSubstr("num_experts is 0, expected at least 1"));
  EXPECT_THAT(with("mixtral", "num_local_experts", -2), HasSubstr("num_local_experts is -2"));
  EXPECT_THAT(with("qwen3_moe", "num_experts", 1'000'000'000),
              HasSubstr("experts is 1000000000, expected 1 to"));
  // Another number than the tensors have.
  EXPECT_THAT(with("qwen3_moe", "num_experts", 3),
              HasSubstr("tensor model.layers.0.mlp.gate.weight has shape [5, 30], expected [3, 30]"));
  EXPECT_THAT(with("gpt_oss", "num_local_experts", 3),
              HasSubstr("tensor model.layers.0.mlp.router.weight has shape [4, 30], expected [3, 30]"));
}

TEST(FamilyFaults, RopeScalingWithoutItsParameters) {
  for (const char* family : {"llama_linear", "llama_yarn", "llama_dynamic"})
    EXPECT_THAT(without_rope_key(family, "factor"), HasSubstr("rope_scaling: factor is missing")) << family;
  EXPECT_THAT(without_rope_key("llama_llama3", "low_freq_factor"), HasSubstr("low_freq_factor is missing"));
  EXPECT_THAT(without_rope_key("phi3_longrope", "short_factor"), HasSubstr("short_factor is missing"));
  EXPECT_THAT(opening_of("phi3_longrope", [](Json& c) { c["rope_scaling"]["long_factor"] = {1.0}; }),
              HasSubstr("long_factor has 1 factors, expected"));
  EXPECT_THAT(opening_of("phi3_longrope", [](Json& c) { c.erase("original_max_position_embeddings"); }),
              HasSubstr("longrope needs original_max_position_embeddings"));
}

TEST(FamilyFaults, Sinks) {
  const std::string name = "model.layers.1.self_attn.sinks";
  EXPECT_THAT(with_tensor("gpt_oss", name, {5}),
              HasSubstr("tensor " + name + " has shape [5], expected [6]"));
  EXPECT_THAT(with_tensor("gpt_oss", name, {6, 1}), HasSubstr("has shape [6, 1], expected [6]"));
  EXPECT_EQ(with_tensor("gpt_oss", name, {6}), "no error");
  EXPECT_THAT(with_tensor("llama_bias", name, {6}),
              HasSubstr("tensor " + name + " is not part of a llama model"));
}

// Stored once more, the head must be the embedding.
TEST(FamilyFaults, TiedWeightsThatDiffer) {
  const ModelSpec spec = Model::open(test::golden_family("gemma").string())->spec();
  EXPECT_THAT(with_tensor("gemma", "lm_head.weight", {spec.vocabulary, spec.hidden}, 1),
              HasSubstr("tensor lm_head.weight differs from model.embed_tokens.weight"));
}

TEST(FamilyFaults, WhatScoresHaveNoMeaningFor) {
  const std::map<std::string, std::string> reasons = {{"qwen3_next", "linear attention"},
                                                      {"deepseek_v3", "MLA"},
                                                      {"mamba", "no attention heads"},
                                                      {"jamba", "hybrid"},
                                                      {"granitemoehybrid", "hybrid"},
                                                      {"t5", "encoder-decoder"},
                                                      {"bert", "encoder"},
                                                      {"llama4", "chunks"},
                                                      {"gemma3n", "share keys"}};
  for (const auto& [name, reason] : reasons) {
    EXPECT_THAT(with("qwen3", "model_type", name),
                AllOf(HasSubstr("model family '" + name + "' is not supported: "), HasSubstr(reason)));
    EXPECT_THAT(test::error_of([&] { family_of_gguf(name, "a.gguf"); }), HasSubstr(reason));
  }
  for (const Family* family : families()) {
    EXPECT_EQ(why_unsupported(family->name), "") << family->name;
    EXPECT_EQ(why_unsupported(family->gguf), "") << family->name;
  }
  EXPECT_THAT(with("qwen3", "model_type", "brand_new"),
              HasSubstr("'brand_new' is not supported; supported: llama, "));
}

}  // namespace
}  // namespace idleheads
