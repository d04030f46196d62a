// config.json files as published models have them: which open and as what, which are refused and why. The
// sources are in tests/data/configs/README.md.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "base/mapped_file.h"
#include "format/json.h"
#include "idleheads/base/error.h"
#include "model/config.h"

namespace idleheads {
namespace {

namespace fs = std::filesystem;

const fs::path kFolder = fs::path(IDLEHEADS_TEST_DATA) / "configs";

Json json_of(const std::string& name) {
  const fs::path file = kFolder / (name + ".json");
  return parse_json(read_text_file(file), file.string());
}

ModelSpec read_published(const std::string& name) { return spec_from_json(json_of(name), name); }

struct Opens {
  std::string name;
  int layers, hidden, heads, kv_heads, head_dim;
  double theta;
  bool tied;
};
void PrintTo(const Opens& row, std::ostream* out) { *out << row.name; }

const std::vector<Opens> kOpens = {
    // name, layers, hidden, heads, key/value heads, head size, RoPE theta, tied embeddings
    {"Llama-3.1-8B", 32, 4096, 32, 8, 128, 500000, false},
    {"Llama-3.1-8B-Instruct", 32, 4096, 32, 8, 128, 500000, false},
    {"Llama-3.2-3B", 28, 3072, 24, 8, 128, 500000, true},
    {"Llama-3.2-3B-Instruct", 28, 3072, 24, 8, 128, 500000, true},
    {"Llama-3.2-1B-Instruct", 16, 2048, 32, 8, 64, 500000, true},
    {"unsloth-Llama-3.2-1B", 16, 2048, 32, 8, 64, 500000, true},
    {"Llama-3.1-70B-Japanese-Instruct-2407", 80, 8192, 64, 8, 128, 500000, false},
    {"Meta-Llama-3-8B-Instruct", 32, 4096, 32, 8, 128, 500000, false},
    {"Hermes-2-Pro-Llama-3-8B", 32, 4096, 32, 8, 128, 500000, false},
    {"Llama-2-7b-hf", 32, 4096, 32, 32, 128, 10000, false},
    {"Llama-2-7b-chat-hf-NousResearch", 32, 4096, 32, 32, 128, 10000, false},
    {"CodeLlama-7b", 32, 4096, 32, 32, 128, 1e+06, false},
    {"TinyLlama-1.1B-Chat-v1.0", 22, 2048, 32, 4, 64, 10000, false},
    {"TinyLlama-1.1B", 22, 2048, 32, 4, 64, 10000, false},
    {"SmolLM-135M", 30, 576, 9, 3, 64, 10000, true},
    {"SmolLM-360M", 32, 960, 15, 5, 64, 10000, true},
    {"SmolLM2-135M", 30, 576, 9, 3, 64, 100000, true},
    {"SmolLM2-360M-Instruct", 32, 960, 15, 5, 64, 100000, true},
    {"SmolLM2-1.7B-Instruct", 24, 2048, 32, 32, 64, 130000, true},
    {"Yi-1.5-6B", 32, 4096, 32, 4, 128, 5e+06, false},
    {"Yi-1.5-34B", 60, 7168, 56, 8, 128, 5e+06, false},
    {"Yi-6B", 32, 4096, 32, 4, 128, 5e+06, false},
    {"deepseek-llm-7b-base", 30, 4096, 32, 32, 128, 10000, false},
    {"deepseek-coder-1.3b-instruct", 24, 2048, 16, 16, 128, 100000, false},
    {"ALLaM-7B-Instruct-preview", 32, 4096, 32, 32, 128, 1e+06, false},
    {"Qwen2.5-0.5B", 24, 896, 14, 2, 64, 1e+06, true},
    {"Qwen2.5-1.5B", 28, 1536, 12, 2, 128, 1e+06, true},
    {"Qwen2.5-1.5B-Instruct", 28, 1536, 12, 2, 128, 1e+06, true},
    {"Qwen2.5-3B", 36, 2048, 16, 2, 128, 1e+06, true},
    {"Qwen2.5-7B", 28, 3584, 28, 4, 128, 1e+06, false},
    {"Qwen2.5-7B-Instruct", 28, 3584, 28, 4, 128, 1e+06, false},
    {"Qwen2.5-14B", 48, 5120, 40, 8, 128, 1e+06, false},
    {"Qwen2.5-32B", 64, 5120, 40, 8, 128, 1e+06, false},
    {"Qwen2-0.5B", 24, 896, 14, 2, 64, 1e+06, true},
    {"Qwen2-7B", 28, 3584, 28, 4, 128, 1e+06, false},
    {"Qwen2-72B", 80, 8192, 64, 8, 128, 1e+06, false},
    {"Qwen1.5-110B", 80, 8192, 64, 8, 128, 1e+06, false},
    {"DeepSeek-R1-Distill-Qwen-1.5B", 28, 1536, 12, 2, 128, 10000, false},
    {"DeepSeek-R1-Distill-Qwen-7B", 28, 3584, 28, 4, 128, 10000, false},
    {"Qwen2.5-1.5B-transformers5", 28, 1536, 12, 2, 128, 1e+06, true},
    {"Qwen3-8B", 36, 4096, 32, 8, 128, 1e+06, false},
    {"Mistral-7B-Instruct-v0.3", 32, 4096, 32, 8, 128, 1e+06, false},
    {"Qwen3-30B-A3B", 48, 2048, 32, 4, 128, 1e+06, false},
    {"phi-4", 40, 5120, 40, 10, 128, 250000, false},
    {"OLMo-2-1124-7B", 32, 4096, 32, 32, 128, 500000, false},
    {"OLMo-2-1124-7B-SFT", 32, 4096, 32, 32, 128, 500000, false},
    {"OLMo-2-1124-7B-DPO", 32, 4096, 32, 32, 128, 500000, false},
    {"OLMo-2-1124-7B-Instruct", 32, 4096, 32, 32, 128, 500000, false},
    {"OLMo-2-1124-13B", 40, 5120, 40, 40, 128, 500000, false},
    {"OLMo-2-1124-13B-Instruct", 40, 5120, 40, 40, 128, 500000, false},
    {"OLMo-2-0425-1B", 16, 2048, 16, 16, 128, 500000, false},
    {"Llama-3.3-70B-Instruct", 80, 8192, 64, 8, 128, 500000, false},
    {"SmolLM-1.7B", 24, 2048, 32, 32, 64, 10000, true},
    {"Mistral-7B-v0.1", 32, 4096, 32, 8, 128, 10000, false},
    {"Mistral-Nemo-Base-2407", 40, 5120, 32, 8, 128, 1e+06, false},
    {"Ministral-8B-Instruct-2410", 36, 4096, 32, 8, 128, 1e+08, false},
    {"Mixtral-8x7B-Instruct-v0.1", 32, 4096, 32, 8, 128, 1e+06, false},
    {"Mixtral-8x22B-Instruct-v0.1", 56, 6144, 48, 8, 128, 1e+06, false},
    {"Qwen3-0.6B", 28, 1024, 16, 8, 128, 1e+06, true},
    {"Qwen3-4B-Instruct-2507", 36, 2560, 32, 8, 128, 5e+06, true},
    {"Qwen3-32B", 64, 5120, 64, 8, 128, 1e+06, false},
    {"gemma-2b", 18, 2048, 8, 1, 256, 10000, true},
    {"gemma-7b", 28, 3072, 16, 16, 256, 10000, true},
    {"gemma-2-2b-it", 26, 2304, 8, 4, 256, 10000, true},
    {"gemma-2-9b", 42, 3584, 16, 8, 256, 10000, true},
    {"gemma-2-27b", 46, 4608, 32, 16, 128, 10000, true},
    {"gemma-3-270m", 18, 640, 4, 1, 256, 1e+06, true},
    {"gemma-3-1b-it", 26, 1152, 4, 1, 256, 1e+06, true},
    {"gemma-3-4b-it", 34, 2560, 8, 4, 256, 1e+06, true},
    {"gemma-3-12b-it-transformers4.57", 48, 3840, 16, 8, 256, 1e+06, true},
    {"gemma-3-27b-it", 62, 5376, 32, 16, 128, 1e+06, true},
    {"Phi-3-mini-4k-instruct", 32, 3072, 32, 32, 96, 10000, false},
    {"Phi-3-mini-128k-instruct", 32, 3072, 32, 32, 96, 10000, false},
    {"Phi-3.5-mini-instruct", 32, 3072, 32, 32, 96, 10000, false},
    {"Phi-4-mini-instruct", 32, 3072, 24, 8, 128, 10000, true},
    {"Phi-4-mini-reasoning", 32, 3072, 24, 8, 128, 10000, true},
    {"phi-1", 24, 2048, 32, 32, 64, 10000, false},
    {"phi-1_5", 24, 2048, 32, 32, 64, 10000, false},
    {"phi-2", 32, 2560, 32, 32, 80, 10000, false},
    {"gpt2", 12, 768, 12, 12, 64, 0, true},
    {"gpt2-medium", 24, 1024, 16, 16, 64, 0, true},
    {"pythia-70m", 6, 512, 8, 8, 64, 10000, false},
    {"pythia-160m", 12, 768, 12, 12, 64, 10000, false},
    {"pythia-1b", 16, 2048, 8, 8, 256, 10000, false},
    {"pythia-6.9b-deduped-transformers4.45", 32, 4096, 32, 32, 128, 10000, false},
    {"OLMo-1B-hf", 16, 2048, 16, 16, 128, 10000, true},
    {"Olmo-3-7B", 32, 4096, 32, 32, 128, 500000, false},
    {"Olmo-3.1-32B-Instruct", 64, 5120, 40, 8, 128, 500000, false},
    {"OLMoE-1B-7B-0924", 16, 2048, 16, 16, 128, 10000, false},
    {"OLMoE-1B-7B-0125-Instruct", 16, 2048, 16, 16, 128, 10000, false},
    {"SmolLM3-3B", 36, 2048, 16, 4, 128, 5e+06, true},
    {"granite-3.3-2b-base", 40, 2048, 32, 8, 64, 1e+07, true},
    {"granite-3.3-8b-instruct", 40, 4096, 32, 8, 128, 1e+07, true},
    {"c4ai-command-r-v01", 40, 8192, 64, 64, 128, 8e+06, true},
    {"c4ai-command-r7b-12-2024", 32, 4096, 32, 8, 128, 50000, true},
    {"tiny-aya-earth", 36, 2048, 16, 4, 128, 50000, true},
    {"GLM-4-9B-0414", 40, 4096, 32, 2, 128, 10000, false},
    {"EXAONE-4.0-32B", 64, 5120, 40, 8, 128, 1e+06, false},
    {"starcoder2-3b", 30, 3072, 24, 2, 128, 999999.4420358813, true},
    {"gpt-oss-20b", 24, 2880, 64, 8, 64, 150000, false},
    {"stablelm-3b-4e1t", 32, 2560, 32, 32, 80, 10000, false},
    {"falcon-7b-instruct", 32, 4544, 71, 1, 64, 10000, true},
    {"falcon-40b-instruct", 60, 8192, 128, 8, 64, 10000, true},
};

struct LayersOf {
  std::string name;
  int window, with_window, without_rope;
};

// Those of kOpens whose layers see a window only or have no RoPE; of the others none has or lacks it.
const std::vector<LayersOf> kLayersOf = {
    {"Mistral-7B-v0.1", 4096, 32, 0},
    {"Ministral-8B-Instruct-2410", 32768, 36, 0},
    {"gemma-2-2b-it", 4096, 13, 0},
    {"gemma-2-9b", 4096, 21, 0},
    {"gemma-2-27b", 4096, 23, 0},
    {"gemma-3-270m", 512, 15, 0},
    {"gemma-3-1b-it", 512, 22, 0},
    {"gemma-3-4b-it", 1024, 29, 0},
    {"gemma-3-12b-it-transformers4.57", 1024, 40, 0},
    {"gemma-3-27b-it", 1024, 52, 0},
    {"Phi-3-mini-4k-instruct", 2047, 32, 0},
    {"Phi-3-mini-128k-instruct", 262144, 32, 0},
    {"Phi-3.5-mini-instruct", 262144, 32, 0},
    {"Phi-4-mini-instruct", 262144, 32, 0},
    {"Phi-4-mini-reasoning", 262144, 32, 0},
    {"gpt2", 0, 0, 12},
    {"gpt2-medium", 0, 0, 24},
    {"Olmo-3-7B", 4096, 24, 0},
    {"Olmo-3.1-32B-Instruct", 4096, 48, 0},
    {"SmolLM3-3B", 0, 0, 9},
    {"c4ai-command-r7b-12-2024", 4096, 24, 8},
    {"tiny-aya-earth", 4096, 27, 9},
    {"EXAONE-4.0-32B", 4096, 48, 16},
    {"starcoder2-3b", 4096, 30, 0},
    {"gpt-oss-20b", 128, 12, 0},
};

const std::set<std::string> kQkvBiases = {"qwen2", "phi",        "gpt2",   "gpt_neox",
                                          "glm4",  "starcoder2", "gpt_oss"};
const std::set<std::string> kOutputBiases = {"phi", "gpt2", "gpt_neox", "starcoder2", "gpt_oss"};
const std::set<std::string> kQkNorms = {"olmo2",     "olmo3",       "olmoe",  "qwen3",
                                        "qwen3_moe", "gemma3_text", "gemma3", "exaone4"};

struct Refused {
  std::string name, message;
};

const std::vector<Refused> kRefused = {
    {"Qwen2.5-VL-7B-Instruct", "'qwen2_5_vl' is not supported"},
    {"Qwen2.5-7B-Instruct-1M", "dual_chunk_attention_config"},
    {"Meta-Llama-3-8B-Instruct-bnb-4bit", "quantization_config: the weights are quantised"},
    {"Qwen3-Next-80B-A3B-Thinking", "'qwen3_next' is not supported"},
    {"DeepSeek-V2-Lite", "'deepseek_v2' is not supported"},
    {"DeepSeek-V3", "'deepseek_v3' is not supported"},
    {"Llama-4-Scout-17B-16E", "'llama4' is not supported"},
    {"granite-4.0-h-350m", "'granitemoehybrid' is not supported"},
    {"falcon-mamba-7b", "'falcon_mamba' is not supported"},
    {"t5-small", "'t5' is not supported"},
};

class PublishedConfig : public testing::TestWithParam<Opens> {};

TEST_P(PublishedConfig, Opens) {
  const Opens& expected = GetParam();
  const ModelSpec config = read_published(expected.name);
  EXPECT_EQ(config.layer_count(), expected.layers);
  EXPECT_EQ(config.hidden, expected.hidden);
  EXPECT_EQ(config.heads(), expected.heads);
  EXPECT_EQ(config.kv_heads(), expected.kv_heads);
  EXPECT_EQ(config.layers[0].attention.head_dim, expected.head_dim);
  EXPECT_EQ(config.ropes.empty() ? 0 : config.ropes[0].theta, expected.theta);
  EXPECT_EQ(config.tied_embeddings, expected.tied);
  EXPECT_EQ(config.layers[0].attention.qkv_bias, kQkvBiases.contains(config.family));
  EXPECT_EQ(config.layers[0].attention.output_bias, kOutputBiases.contains(config.family));
  EXPECT_EQ(config.layers[0].attention.qk_norm.is_there(), kQkNorms.contains(config.family));
}

TEST_P(PublishedConfig, LayersDifferAsTheyShould) {
  const ModelSpec config = read_published(GetParam().name);
  LayersOf found{GetParam().name, 0, 0, 0};
  for (const LayerSpec& layer : config.layers) {
    const int window = static_cast<int>(layer.attention.window);
    if (window > 0) found.window = window;
    found.with_window += window > 0;
    found.without_rope += layer.attention.rope < 0;
  }
  const auto row = std::ranges::find(kLayersOf, found.name, &LayersOf::name);
  const LayersOf expected = row == kLayersOf.end() ? LayersOf{found.name, 0, 0, 0} : *row;
  EXPECT_EQ(found.window, expected.window);
  EXPECT_EQ(found.with_window, expected.with_window);
  EXPECT_EQ(found.without_rope, expected.without_rope);
}

INSTANTIATE_TEST_SUITE_P(Models, PublishedConfig, testing::ValuesIn(kOpens), [](const auto& row) {
  std::string name = row.param.name;
  for (char& c : name) c = std::isalnum(static_cast<unsigned char>(c)) ? c : '_';
  return name;
});

TEST(PublishedConfigs, OthersAreRefusedByName) {
  for (const Refused& row : kRefused) {
    try {
      read_published(row.name);
      ADD_FAILURE() << row.name << " was accepted";
    } catch (const Error& error) {
      EXPECT_THAT(error.what(), testing::HasSubstr(row.message)) << row.name;
    }
  }
}

// What transformers never reads says what is computed anyway, or is refused.
TEST(PublishedConfigs, WhatOnlyTheirOwnCodeReadsMayNotContradict) {
  const std::vector<std::tuple<std::string, std::string, Json>> rows = {
      {"gemma-2-9b", "sliding_window_size", 2048},
      {"Phi-4-mini-instruct", "full_attn_mod", 2},
      {"Phi-4-mini-instruct", "interpolate_factor", 4},
      {"phi-1", "rotary_dim", 64},
      {"gpt2-medium", "n_special", 1},
      {"tiny-aya-earth", "layer_switch", 2},
      {"tiny-aya-earth", "order_of_interleaved_layers", "global_attn_first"},
      {"tiny-aya-earth", "position_embedding_type", "rope_neox"},
      {"tiny-aya-earth", "rotary_pct", 0.5},
      {"tiny-aya-earth", "use_embedding_sharing", false},
      {"tiny-aya-earth", "use_gated_activation", false},
      {"tiny-aya-earth", "use_parallel_block", false},
      {"gpt-oss-20b", "experts_per_token", 8},
  };
  for (const auto& [name, key, value] : rows) {
    Json config = json_of(name);
    config[key] = value;
    try {
      spec_from_json(config, name);
      ADD_FAILURE() << name << " was accepted with " << key << " " << value;
    } catch (const Error& error) {
      EXPECT_THAT(error.what(), testing::HasSubstr(key)) << name;
    }
  }
}

TEST(PublishedConfigs, GeluFastIsTheApproximationByTanh) {
  Json config = json_of("pythia-1b");  // GPT-NeoX-20B has it
  config["hidden_act"] = "gelu_fast";
  EXPECT_EQ(spec_from_json(config, "config.json").layers[0].mlp.activation, Activation::gelu_tanh);
}

TEST(PublishedConfigs, EveryFileIsInATable) {
  std::set<std::string> named;
  for (const Opens& row : kOpens) named.insert(row.name);
  for (const Refused& row : kRefused) named.insert(row.name);
  EXPECT_GE(kOpens.size(), 100u);
  for (const auto& entry : fs::directory_iterator(kFolder)) {
    if (entry.path().extension() == ".json") {
      EXPECT_TRUE(named.contains(entry.path().stem().string())) << entry.path();
    }
  }
}

// The models of the paper, of which none may be missing.
TEST(PublishedConfigs, AllModelsOfThePaperOpen) {
  for (const char* name :
       {"Llama-3.1-8B", "Llama-3.1-8B-Instruct", "Llama-3.2-3B", "Llama-3.2-3B-Instruct", "OLMo-2-1124-7B",
        "OLMo-2-1124-7B-SFT", "OLMo-2-1124-7B-DPO", "OLMo-2-1124-7B-Instruct", "Qwen2.5-0.5B", "Qwen2.5-1.5B",
        "Qwen2.5-3B", "Qwen2.5-7B", "Qwen2.5-7B-Instruct", "Qwen2.5-14B"}) {
    EXPECT_NO_THROW(read_published(name)) << name;
  }
}

}  // namespace
}  // namespace idleheads
