// config.json files as published models have them: which open and as what, which are refused and why. The
// sources are in tests/data/configs/README.md.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <set>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/mapped_file.h"
#include "format/json.h"
#include "model/config.h"

namespace idleheads {
namespace {

namespace fs = std::filesystem;

const fs::path kFolder = fs::path(IDLEHEADS_TEST_DATA) / "configs";

ModelSpec read(const std::string& name) {
  const fs::path file = kFolder / (name + ".json");
  return spec_from_json(parse_json(read_text_file(file), file.string()), name);
}

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
};

struct Refused {
  std::string name, message;
};

const std::vector<Refused> kRefused = {
    {"Qwen2.5-VL-7B-Instruct", "'qwen2_5_vl' is not supported"},
    {"Qwen2.5-7B-Instruct-1M", "dual_chunk_attention_config"},
    {"Meta-Llama-3-8B-Instruct-bnb-4bit", "quantization_config: the weights are quantised"},
};

class PublishedConfig : public testing::TestWithParam<Opens> {};

TEST_P(PublishedConfig, Opens) {
  const Opens& expected = GetParam();
  const ModelSpec config = read(expected.name);
  EXPECT_EQ(config.layer_count(), expected.layers);
  EXPECT_EQ(config.hidden, expected.hidden);
  EXPECT_EQ(config.heads(), expected.heads);
  EXPECT_EQ(config.kv_heads(), expected.kv_heads);
  EXPECT_EQ(config.layers[0].attention.head_dim, expected.head_dim);
  EXPECT_EQ(config.ropes[0].theta, expected.theta);
  EXPECT_EQ(config.tied_embeddings, expected.tied);
  EXPECT_EQ(config.layers[0].attention.qkv_bias, config.family == "qwen2");
  EXPECT_FALSE(config.layers[0].attention.output_bias);
  EXPECT_EQ(config.layers[0].attention.qk_norm.is_there(),
            config.family == "olmo2" || config.family.starts_with("qwen3"));
}

INSTANTIATE_TEST_SUITE_P(Models, PublishedConfig, testing::ValuesIn(kOpens), [](const auto& row) {
  std::string name = row.param.name;
  for (char& c : name) c = std::isalnum(static_cast<unsigned char>(c)) ? c : '_';
  return name;
});

TEST(PublishedConfigs, OthersAreRefusedByName) {
  for (const Refused& row : kRefused) {
    try {
      read(row.name);
      ADD_FAILURE() << row.name << " was accepted";
    } catch (const Error& error) {
      EXPECT_THAT(error.what(), testing::HasSubstr(row.message)) << row.name;
    }
  }
}

TEST(PublishedConfigs, EveryFileIsInATable) {
  std::set<std::string> named;
  for (const Opens& row : kOpens) named.insert(row.name);
  for (const Refused& row : kRefused) named.insert(row.name);
  EXPECT_GE(kOpens.size(), 40u);
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
    EXPECT_NO_THROW(read(name)) << name;
  }
}

}  // namespace
}  // namespace idleheads
