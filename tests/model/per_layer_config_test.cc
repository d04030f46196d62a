// Folders of models from which heads were cut: which heads a layer has, and everything that their config.json
// can say wrongly, each by name.
#include "model/per_layer_config.h"

#include "model/changed_golden.h"
#include "model/config.h"

namespace idleheads {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

// A llama of 3 layers with 6 heads and 2 key/value heads, with some of them cut out.
Json cut_json() {
  Json config = parse_json(read_text_file(test::golden_family("llama_v5") / "config.json"), "config.json");
  config.update(parse_json(R"({
    "model_type": "idleheads_llama", "architectures": ["CutForCausalLM"],
    "per_layer_config": {"1": {"skip": ["attention"]}, "02": {"num_attention_heads": 2, "num_key_value_heads": 1}},
    "idleheads": {"head_count": 6, "kept_heads": ["0,1,2,3,4,5", "", "3,5"],
                  "head_count_kv": 2, "kept_kv_heads": ["0,1", "", "1"]}})",
                           "cut"));
  return config;
}

std::string error_with(const std::function<void(Json&)>& change) {
  Json config = cut_json();
  change(config);
  return test::error_of([&] { spec_from_json(config, "config.json"); });
}

std::string error_with_layer(const char* layer, const char* own) {
  return error_with([&](Json& config) { config["per_layer_config"][layer] = parse_json(own, "own"); });
}

TEST(PerLayerConfig, LayersHaveTheirOwnHeads) {
  const ModelSpec spec = spec_from_json(cut_json(), "config.json");
  EXPECT_EQ(spec.family, "llama");
  EXPECT_EQ(spec.heads(), 6);
  EXPECT_EQ(spec.kv_heads(), 2);
  EXPECT_EQ(spec.head_count(), 8);
  EXPECT_EQ(spec.layers[0].attention.heads, 6);
  EXPECT_FALSE(spec.layers[1].attention.is_there());
  EXPECT_FALSE(spec.layers[1].attention_norm.is_there());
  EXPECT_EQ(spec.layers[2].attention.heads, 2);
  EXPECT_EQ(spec.layers[2].attention.kv_heads, 1);
  EXPECT_EQ(spec.layers[2].attention.head_dim, 12);
  EXPECT_THAT(spec.layers[2].attention.columns, ElementsAre(3, 5));
}

// A number that is the whole model's is left out, as transformers 5 saves it.
TEST(PerLayerConfig, WhatIsNotSaidIsTheWholeModels) {
  Json config = cut_json();
  config["per_layer_config"] = {{"2", {{"num_attention_heads", 4}, {"skip", Json::array()}}}};
  config.erase("idleheads");
  const ModelSpec spec = spec_from_json(config, "config.json");
  EXPECT_EQ(spec.layers[1].attention.heads, 6);
  EXPECT_EQ(spec.layers[2].attention.heads, 4);
  EXPECT_EQ(spec.layers[2].attention.kv_heads, 2);
}

TEST(PerLayerConfig, AUniformCutHasNamesToo) {
  Json config = parse_json(read_text_file(test::golden_family("llama_v5") / "config.json"), "config.json");
  config["idleheads"] = {{"head_count", 8}, {"kept_heads", {"0,1,2,3,4,5", "2,3,4,5,6,7", "0,1,2,4,5,7"}}};
  const ModelSpec spec = spec_from_json(config, "config.json");
  EXPECT_EQ(spec.heads(), 8);
  EXPECT_EQ(spec.layers[1].attention.column(0), 2);
}

TEST(PerLayerConfig, WrongLayers) {
  EXPECT_THAT(error_with([](Json& config) { config.erase("per_layer_config"); }),
              HasSubstr("config.json: per_layer_config is missing"));
  EXPECT_THAT(error_with([](Json& config) { config["per_layer_config"] = Json::array(); }),
              HasSubstr("per_layer_config is [], expected an object"));
  for (const char* layer : {"3", "-1", "", "a", "1 ", "99999999999999999999"}) {
    EXPECT_THAT(error_with_layer(layer, "{}"),
                HasSubstr("per_layer_config has layer '" + std::string(layer) + "', expected 0 to 2"));
  }
  EXPECT_THAT(error_with_layer("2", "{}"), HasSubstr("per_layer_config has layer 2 twice"));
  EXPECT_THAT(error_with_layer("0", "5"), HasSubstr("per_layer_config of layer 0: expected a JSON object"));
  EXPECT_THAT(
      error_with_layer("0", R"({"num_attention_heads": 0})"),
      HasSubstr("layer 0: num_attention_heads is 0, expected at least 1; a layer without attention has"));
  EXPECT_THAT(error_with_layer("0", R"({"num_key_value_heads": "2"})"),
              HasSubstr("layer 0: num_key_value_heads is \"2\", expected a whole number"));
  EXPECT_THAT(error_with_layer("0", R"({"num_attention_heads": 5})"),
              HasSubstr("5 attention heads are not a multiple of 2 key/value heads"));
  EXPECT_THAT(error_with_layer("0", R"({"num_attention_heads": 5000})"),
              HasSubstr("attention heads is 5000, expected 1 to 4096"));
  EXPECT_THAT(error_with_layer("0", R"({"skip": ["attention"]})"), HasSubstr("attention heads is 0"))
      << "the first layer";
  EXPECT_THAT(error_with_layer("0", R"({"skip": ["mlp"]})"),
              HasSubstr("skip is [\"mlp\"], expected [\"attention\"]; layers without other parts"));
  EXPECT_THAT(error_with_layer("0", R"({"head_dim": 6})"),
              HasSubstr("layer 0: key 'head_dim' is not understood"));
}

TEST(PerLayerConfig, WrongNames) {
  const auto with_names = [](const char* key, const Json& value) {
    return error_with([&](Json& config) { config["idleheads"][key] = value; });
  };
  EXPECT_THAT(
      with_names("kept_heads", {"0,1,2,3,4,5", "", "5,3"}),
      HasSubstr("config.json: idleheads.kept_heads of layer 2 is '5,3', expected 2 ascending numbers"));
  EXPECT_THAT(with_names("kept_heads", {"0,1,2,3,4,5", "", "2,3"}),
              HasSubstr("idleheads.kept_heads of layer 2: head 2 reads key/value head 1, expected 0"));
  EXPECT_THAT(with_names("kept_heads", Json::array({1, 2, 3})),
              HasSubstr("idleheads: kept_heads is [1,2,3], expected a list of strings"));
  EXPECT_THAT(with_names("head_count", 5), HasSubstr("idleheads.head_count is 5, expected 6"));
  EXPECT_THAT(with_names("head_count_kv", 4),
              HasSubstr("idleheads.head_count_kv is 4, expected a divisor of 6"));
  EXPECT_THAT(with_names("more", 1), HasSubstr("idleheads: key 'more' is not understood"));
  EXPECT_THAT(error_with([](Json& config) { config["idleheads"] = 1; }),
              HasSubstr("idleheads is 1, expected an object"));
}

TEST(PerLayerConfig, OnlyOfCutModels) {
  EXPECT_THAT(error_with([](Json& config) { config["model_type"] = "idleheads_bert"; }),
              HasSubstr("model family 'bert' is not supported"));
  EXPECT_THAT(error_with([](Json& config) { config["architectures"] = {"LlamaForCausalLM"}; }),
              HasSubstr("architectures is [\"LlamaForCausalLM\"], expected CutForCausalLM"));
  EXPECT_THAT(error_with([](Json& config) {
                config["model_type"] = "llama";
                config["architectures"] = {"LlamaForCausalLM"};
              }),
              HasSubstr("key 'per_layer_config' is not understood"));
}

}  // namespace
}  // namespace idleheads
