// Configs, checkpoints and weights that are wrong, each refused by name; and where models are looked for.
#include "model/checkpoint.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>

#include "base/mapped_file.h"
#include "format/json.h"
#include "format/safetensors_writer.h"
#include "idleheads/base/error.h"
#include "idleheads/model/model.h"
#include "idleheads/model/roles.h"
#include "model/hub_cache.h"
#include "model/locate.h"
#include "model/rope.h"
#include "support/errors.h"
#include "support/temp_folder.h"

namespace idleheads {
namespace {

namespace fs = std::filesystem;
using test::error_of;
using testing::HasSubstr;

const fs::path kTiny = fs::path(IDLEHEADS_TEST_DATA) / "golden/tiny";

// A copy of a tiny model that a test may spoil.
class Spoiled : public testing::Test {
 protected:
  Spoiled() { use("llama"); }

  void use(const std::string& family) {
    for (const char* file : {"config.json", "model.safetensors"})
      fs::copy_file(kTiny / family / file, folder_ / file, fs::copy_options::overwrite_existing);
  }
  std::string with_config(const std::function<void(Json&)>& change) {
    Json config = parse_json(read_text_file(folder_ / "config.json"), "config");
    change(config);
    std::ofstream(folder_ / "config.json") << config;
    return open();
  }
  // Writes the tensors again, each as `change` leaves it; dropped if its shape becomes empty.
  std::string with_tensors(const std::function<void(Tensor&)>& change,
                           const std::string& file = "model.safetensors") {
    const Checkpoint original(kTiny / "llama");
    test::SafetensorsWriter writer;
    for (Tensor tensor : original.tensors()) {
      change(tensor);
      if (tensor.shape.empty()) continue;
      std::vector<float> values(tensor.data.size() / sizeof(float));
      dequantize(DType::f32, tensor.data, values);
      values.resize(static_cast<size_t>(tensor.elements()), 0.5f);
      writer.add(tensor.name, tensor.shape, values);
    }
    const std::vector<std::byte> bytes = writer.bytes();
    std::ofstream(folder_ / file, std::ios::binary)
        .write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
    return open();
  }
  std::string open() {
    return error_of([&] { Model::open(folder_.string()); });
  }

  const test::TempFolder temporary_;
  const fs::path folder_ = temporary_.path();
};

TEST_F(Spoiled, TheOriginalsOpen) {
  for (const char* family : {"llama", "qwen2", "olmo2"}) {
    use(family);
    EXPECT_EQ(open(), "no error") << family;
  }
  use("llama");
  EXPECT_EQ(with_tensors([](Tensor&) {}), "no error");
}

TEST_F(Spoiled, ConfigValuesAreNamed) {
  const std::vector<std::pair<std::function<void(Json&)>, std::string>> cases = {
      {[](Json& c) { c["model_type"] = "mamba"; }, "'mamba' is not supported: it is a recurrent"},
      {[](Json& c) { c.erase("model_type"); }, "supported: llama"},
      {[](Json& c) { c.erase("hidden_size"); }, "hidden_size is missing"},
      {[](Json& c) { c["hidden_size"] = "64"; }, "hidden_size is \"64\""},
      {[](Json& c) { c["num_hidden_layers"] = -1; }, "num_hidden_layers is -1"},
      {[](Json& c) { c["num_hidden_layers"] = 1e9; }, "num_hidden_layers"},
      {[](Json& c) { c["num_attention_heads"] = 0; }, "num_attention_heads is 0"},
      {[](Json& c) { c["num_key_value_heads"] = 3; }, "not a multiple of 3"},
      {[](Json& c) { c["head_dim"] = 0; }, "head_dim is 0, expected 1 to 4096"},
      {[](Json& c) { c["head_dim"] = 7; }, "head size 7 is odd"},
      {[](Json& c) { c["rms_norm_eps"] = 0; }, "epsilon"},
      {[](Json& c) { c["hidden_act"] = "relu6"; }, "hidden_act 'relu6'"},
      {[](Json& c) {
         c["rope_scaling"] = {{"rope_type", "ntk"}, {"factor", 2}};
       },
       "type 'ntk'"},
      {[](Json& c) { c["rope_scaling"]["attention_factor"] = 2; }, "attention_factor"},
      {[](Json& c) { c["rope_scaling"].erase("factor"); }, "factor is missing"},
      {[](Json& c) { c["logit_scale"] = 0.5; }, "logit_scale is 0.5, expected 1"},
      {[](Json& c) { c["quantization_config"] = Json::object(); }, "quantization_config"},
      {[](Json& c) { c["use_sliding_window"] = true; }, "use_sliding_window"},
      {[](Json& c) { c["tie_word_embeddings"] = 1; }, "tie_word_embeddings is 1"},
      {[](Json& c) { c = Json::array(); }, "expected a JSON object"}};
  for (const auto& [change, message] : cases) {
    use("llama");
    EXPECT_THAT(with_config(change), HasSubstr(message));
  }
}

TEST_F(Spoiled, ConfigThatContradictsTheWeights) {
  EXPECT_THAT(with_config([](Json& c) { c["intermediate_size"] = 161; }),
              HasSubstr("mlp.gate_proj.weight has shape"));
  use("llama");
  EXPECT_THAT(with_config([](Json& c) { c["num_hidden_layers"] = 5; }), HasSubstr("model.layers.4"));
  use("llama");
  EXPECT_THAT(with_config([](Json& c) { c["num_hidden_layers"] = 3; }),
              HasSubstr("is not part of a llama model"));
  use("llama");
  EXPECT_THAT(with_config([](Json& c) { c["tie_word_embeddings"] = false; }),
              HasSubstr("lm_head.weight is missing"));
  use("llama");
  EXPECT_THAT(with_config([](Json& c) { c["attention_bias"] = true; }), HasSubstr("q_proj.bias is missing"));
}

TEST_F(Spoiled, TensorsAreNamed) {
  const std::string name = "model.layers.2.self_attn.k_proj.weight";
  EXPECT_THAT(with_tensors([&](Tensor& t) {
                if (t.name == name) t.shape.clear();
              }),
              HasSubstr(name + " is missing"));
  EXPECT_THAT(with_tensors([&](Tensor& t) {
                if (t.name == name) t.shape = {64, 16};
              }),
              HasSubstr(name + " has shape [64, 16], expected [16, 64]"));
  EXPECT_THAT(with_tensors([&](Tensor& t) {
                if (t.name == name) t.name = "model.extra";
              }),
              HasSubstr("missing"));
}

// transformers 4 would take the embedding, version 5 the LM head.
TEST_F(Spoiled, AnLmHeadBesideTiedEmbeddingsMustBeTheSame) {
  const Checkpoint original(kTiny / "llama");
  const Tensor& table = original.require("model.embed_tokens.weight");
  const auto with_head = [&](float change) {
    test::SafetensorsWriter writer;
    for (const Tensor& tensor : original.tensors()) {
      std::vector<float> values(tensor.data.size() / sizeof(float));
      dequantize(DType::f32, tensor.data, values);
      writer.add(tensor.name, tensor.shape, values);
    }
    std::vector<float> head(table.data.size() / sizeof(float));
    dequantize(DType::f32, table.data, head);
    head.back() += change;
    writer.add("lm_head.weight", table.shape, head);
    const std::vector<std::byte> bytes = writer.bytes();
    std::ofstream(folder_ / "model.safetensors", std::ios::binary)
        .write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
    return open();
  };
  EXPECT_EQ(with_head(0), "no error");
  EXPECT_THAT(with_head(1), HasSubstr("lm_head.weight differs from model.embed_tokens.weight"));
}

TEST_F(Spoiled, ShardsAreFoundThroughTheIndex) {
  Json index = {{"weight_map", Json::object()}};
  const auto shard_of = [](const Tensor& t) {
    return t.name.find("layers.1") == std::string::npos ? "a.safetensors" : "b.safetensors";
  };
  const Checkpoint original(kTiny / "llama");
  for (const Tensor& tensor : original.tensors()) index["weight_map"][tensor.name] = shard_of(tensor);
  for (const std::string shard : {"a.safetensors", "b.safetensors"}) {
    with_tensors(
        [&](Tensor& t) {
          if (shard_of(t) != shard) t.shape.clear();
        },
        shard);
  }
  fs::remove(folder_ / "model.safetensors");
  std::ofstream(folder_ / "model.safetensors.index.json") << index;
  EXPECT_EQ(open(), "no error");
  fs::remove(folder_ / "b.safetensors");
  EXPECT_THAT(open(), HasSubstr("b.safetensors"));
  index["weight_map"]["model.norm.weight"] = "../model.safetensors";
  std::ofstream(folder_ / "model.safetensors.index.json") << index;
  EXPECT_THAT(open(), HasSubstr("expected a file in the same folder"));
  std::ofstream(folder_ / "model.safetensors.index.json") << "{}";
  EXPECT_THAT(open(), HasSubstr("weight_map"));
}

TEST_F(Spoiled, MissingFilesAreNamed) {
  fs::remove(folder_ / "model.safetensors");
  EXPECT_THAT(open(), HasSubstr("neither model.safetensors nor"));
  fs::remove(folder_ / "config.json");
  EXPECT_THAT(open(), HasSubstr("no config.json"));
}

TEST_F(Spoiled, HubCacheIsSearchedInOrder) {
  const fs::path hub = folder_ / "hub", snapshot = hub / "models--org--tiny" / "snapshots" / "abc";
  fs::create_directories(snapshot);
  fs::create_directories(hub / "models--org--tiny" / "refs");
  std::ofstream(hub / "models--org--tiny" / "refs" / "main") << "abc\n";
  unsetenv("HF_HUB_CACHE");
  setenv("HF_HOME", folder_.c_str(), 1);
  EXPECT_EQ(locate_model("org/tiny"), snapshot);
  EXPECT_EQ(locate_model("org/tiny@abc"), snapshot);
  EXPECT_THAT(error_of([] { locate_model("org/tiny@v2"); }), HasSubstr("revision 'v2'"));
  EXPECT_THAT(error_of([] { locate_model("org/other@v2:Q8_0"); }),
              testing::AllOf(HasSubstr("not in the Hugging Face cache"),
                             testing::EndsWith("get it with: idleheads fetch model org/other --revision v2 "
                                               "--file Q8_0")));
  EXPECT_THAT(error_of([] { locate_model("../escape/x"); }), HasSubstr("no such file"));
  setenv("HF_HUB_CACHE", (folder_ / "elsewhere").c_str(), 1);
  EXPECT_THAT(error_of([] { locate_model("org/tiny"); }), HasSubstr("elsewhere"));
  unsetenv("HF_HUB_CACHE");
  unsetenv("HF_HOME");
  setenv("XDG_CACHE_HOME", "/xdg", 1);
  EXPECT_EQ(hub_cache(), "/xdg/huggingface/hub");
  unsetenv("XDG_CACHE_HOME");
}

TEST(Family, NamesOfTensors) {
  EXPECT_EQ(tensor_name({}, Role::query, 3, false), "model.layers.3.self_attn.q_proj.weight");
  EXPECT_EQ(tensor_name({}, Role::query, 3, true), "blk.3.attn_q.weight");
  EXPECT_EQ(tensor_name({}, Role::lm_head, 3, true), "output.weight");
  EXPECT_EQ(tensor_name({}, Role::down_bias, 0, true), "blk.0.ffn_down.bias");
}

// Wavelengths above the original context are slowed, those below a quarter of it kept (Llama 3.1's published
// numbers).
TEST(Rope, Llama3ScalingKeepsShortAndSlowsLongWavelengths) {
  std::vector<float> plain = rope_frequencies(500000, 128), scaled = plain;
  apply_llama3_scaling({8, 1, 4, 8192}, scaled);
  EXPECT_EQ(scaled.front(), plain.front());
  EXPECT_FLOAT_EQ(scaled.back(), plain.back() / 8);
  for (size_t i = 1; i < scaled.size(); ++i) EXPECT_LT(scaled[i], scaled[i - 1]);
  EXPECT_FLOAT_EQ(plain[1], static_cast<float>(std::pow(500000.0, -2.0 / 128)));
}

}  // namespace
}  // namespace idleheads
