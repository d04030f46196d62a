// A model in GGUF is the model in a Hugging Face folder: the same config, and the same numbers in the same
// order. And GGUF metadata that is wrong or not understood, each by name.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <random>

#include "format/gguf_writer.h"
#include "format/safetensors_writer.h"
#include "idleheads/base/error.h"
#include "idleheads/model/model.h"
#include "model/rope.h"
#include "reference/layer_weights.h"
#include "support/errors.h"
#include "support/temp_folder.h"

namespace idleheads {
namespace {

namespace fs = std::filesystem;
using reference::layer_weights;
using reference::LayerWeights;
using test::GgufType;
using test::GgufWriter;
using testing::HasSubstr;

constexpr int kLayers = 2, kHidden = 12, kHeads = 4, kKvHeads = 2, kDim = 6, kWide = 10, kVocabulary = 20;

struct Values {
  std::vector<int64_t> shape;
  std::vector<float> numbers;
};

// All tensors of a model, under their Hugging Face names, with those of the GGUF names.
struct Tensors {
  std::map<std::string, Values> by_name;
  std::map<std::string, std::string> gguf_names;

  Tensors(const std::string& family, bool tied) {
    const bool olmo2 = family == "olmo2";
    const int64_t query = kHeads * kDim, kv = kKvHeads * kDim;
    add(Role::token_embedding, 0, {kVocabulary, kHidden});
    add(Role::final_norm, 0, {kHidden});
    if (!tied) add(Role::lm_head, 0, {kVocabulary, kHidden});
    for (int l = 0; l < kLayers; ++l) {
      add(olmo2 ? Role::attention_post_norm : Role::attention_norm, l, {kHidden});
      add(olmo2 ? Role::mlp_post_norm : Role::mlp_norm, l, {kHidden});
      add(Role::query, l, {query, kHidden});
      add(Role::key, l, {kv, kHidden});
      add(Role::value, l, {kv, kHidden});
      add(Role::output, l, {kHidden, query});
      add(Role::gate, l, {kWide, kHidden});
      add(Role::up, l, {kWide, kHidden});
      add(Role::down, l, {kHidden, kWide});
      if (family == "qwen2") {
        add(Role::query_bias, l, {query});
        add(Role::key_bias, l, {kv});
        add(Role::value_bias, l, {kv});
      }
      if (olmo2) {
        add(Role::query_norm, l, {query});
        add(Role::key_norm, l, {kv});
      }
    }
  }

 private:
  void add(Role role, int layer, std::vector<int64_t> shape) {
    Values values = {shape, {}};
    int64_t count = 1;
    for (const int64_t size : shape) count *= size;
    for (int64_t i = 0; i < count; ++i) values.numbers.push_back(static_cast<float>(random_() % 1000));
    const std::string name = tensor_name({}, role, layer, false);
    gguf_names[name] = tensor_name({}, role, layer, true);
    by_name[name] = std::move(values);
  }
  std::mt19937 random_{7};
};

// Where the converter puts a row of Q or K: (half, j) of a head becomes (j, half).
Values permuted(const Values& source) {
  Values out = source;
  const int64_t columns = source.shape[1];
  for (int64_t row = 0; row < source.shape[0]; ++row) {
    const int64_t head = row / kDim, half = row % kDim / (kDim / 2), j = row % (kDim / 2);
    const int64_t target = head * kDim + 2 * j + half;
    std::copy_n(source.numbers.begin() + row * columns, columns, out.numbers.begin() + target * columns);
  }
  return out;
}

class GgufModels : public testing::Test {
 protected:
  static void write(const fs::path& file, const std::vector<std::byte>& bytes) {
    std::ofstream(file, std::ios::binary)
        .write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  }

  std::string write_folder(const std::string& family, bool tied, const Tensors& tensors) {
    const Json config = {{"model_type", family},
                         {"num_hidden_layers", kLayers},
                         {"hidden_size", kHidden},
                         {"num_attention_heads", kHeads},
                         {"num_key_value_heads", kKvHeads},
                         {"head_dim", kDim},
                         {"intermediate_size", kWide},
                         {"vocab_size", kVocabulary},
                         {"max_position_embeddings", 64},
                         {"rms_norm_eps", 1e-6},
                         {"rope_theta", 5000.0},
                         {"tie_word_embeddings", tied}};
    std::ofstream(folder_ / "config.json") << config;
    test::SafetensorsWriter writer;
    for (const auto& [name, values] : tensors.by_name) writer.add(name, values.shape, values.numbers);
    write(folder_ / "model.safetensors", writer.bytes());
    return folder_.string();
  }

  static GgufWriter gguf(const std::string& family, const Tensors& tensors) {
    GgufWriter writer;
    writer.add("general.architecture", family);
    writer.add(family + ".block_count", uint32_t{kLayers});
    writer.add(family + ".embedding_length", uint32_t{kHidden});
    writer.add(family + ".attention.head_count", uint32_t{kHeads});
    writer.add(family + ".attention.head_count_kv", uint32_t{kKvHeads});
    writer.add(family + ".attention.key_length", uint32_t{kDim});
    writer.add(family + ".attention.value_length", uint32_t{kDim});
    writer.add(family + ".feed_forward_length", uint32_t{kWide});
    writer.add(family + ".context_length", uint32_t{64});
    writer.add(family + ".attention.layer_norm_rms_epsilon", 1e-6f);
    writer.add(family + ".rope.freq_base", 5000.0f);
    for (const auto& [name, values] : tensors.by_name) {
      const bool rotated = family == "llama" && (name.find("q_proj.w") != std::string::npos ||
                                                 name.find("k_proj.w") != std::string::npos);
      const Values stored = rotated ? permuted(values) : values;
      writer.add_tensor(tensors.gguf_names.at(name), stored.shape, stored.numbers);
    }
    return writer;
  }

  std::string open(const GgufWriter& writer) {
    write(folder_ / "model.gguf", writer.bytes());
    return test::error_of([&] { Model::open((folder_ / "model.gguf").string()); });
  }

  // The message for a llama GGUF that `change` has spoiled.
  std::string with(const std::function<void(GgufWriter&)>& change) {
    GgufWriter writer = gguf("llama", Tensors("llama", true));
    change(writer);
    return open(writer);
  }

  // Takes a key or a tensor out.
  static void drop(GgufWriter& writer, const std::string& name) {
    std::erase_if(writer.pairs, [&](const auto& pair) { return pair.key == name; });
    std::erase_if(writer.tensors, [&](const auto& tensor) { return tensor.name == name; });
  }

  const test::TempFolder temporary_;
  const fs::path folder_ = temporary_.path();
};

void expect_equal(const AlignedBuffer<float>& a, const AlignedBuffer<float>& b, const std::string& what) {
  ASSERT_EQ(a.size(), b.size()) << what;
  for (int64_t i = 0; i < a.size(); ++i) ASSERT_EQ(a[i], b[i]) << what << " " << i;
}

TEST_F(GgufModels, EqualsTheFolder) {
  for (const std::string family : {"llama", "qwen2", "olmo2"}) {
    for (const bool tied : {false, true}) {
      const Tensors tensors(family, tied);
      const auto a = Model::open(write_folder(family, tied, tensors));
      ASSERT_EQ(open(gguf(family, tensors)), "no error");
      const auto b = Model::open((folder_ / "model.gguf").string());
      const ModelSpec &x = a->spec(), &y = b->spec();
      EXPECT_EQ(x.family, y.family);
      EXPECT_EQ(x.vocabulary, y.vocabulary);
      EXPECT_EQ(x.context, y.context);
      EXPECT_EQ(x.tied_embeddings, y.tied_embeddings);
      EXPECT_EQ(x.final_norm, y.final_norm);
      EXPECT_EQ(x.ropes, y.ropes);
      EXPECT_EQ(x.layers, y.layers);
      for (int l = 0; l < kLayers; ++l) {
        const LayerWeights v = layer_weights(a->weights(), l), w = layer_weights(b->weights(), l);
        const std::string place = fmt::format("{} layer {} ", family, l);
        expect_equal(v.qkv, w.qkv, place + "qkv");
        expect_equal(v.qkv_bias, w.qkv_bias, place + "qkv bias");
        expect_equal(v.output, w.output, place + "output");
        expect_equal(v.up, w.up, place + "gate and up");
        expect_equal(v.down, w.down, place + "down");
        expect_equal(v.attention_norm.weight, w.attention_norm.weight, place + "norm");
        expect_equal(v.attention_post_norm.weight, w.attention_post_norm.weight, place + "post norm");
        expect_equal(v.mlp_norm.weight, w.mlp_norm.weight, place + "MLP norm");
        expect_equal(v.mlp_post_norm.weight, w.mlp_post_norm.weight, place + "MLP post norm");
        expect_equal(v.query_norm.weight, w.query_norm.weight, place + "query norm");
        expect_equal(v.key_norm.weight, w.key_norm.weight, place + "key norm");
      }
      expect_equal(a->weights().lm_head(0, kVocabulary), b->weights().lm_head(0, kVocabulary),
                   family + " LM head");
      expect_equal(a->weights().lm_head(2, 3), b->weights().lm_head(2, 3), family + " part of the LM head");
      expect_equal(a->weights().final_norm().weight, b->weights().final_norm().weight,
                   family + " final norm");
    }
  }
}

// Fused parts lie one below the other, and a row of the embedding is a row of the table.
TEST_F(GgufModels, WeightsAreWhereTheHeaderSays) {
  const Tensors tensors("qwen2", false);
  const auto model = Model::open(write_folder("qwen2", false, tensors));
  const LayerWeights w = layer_weights(model->weights(), 1);
  const auto at = [&](Role role, size_t i) {
    return tensors.by_name.at(tensor_name({}, role, 1, false)).numbers[i];
  };
  const int64_t query = kHeads * kDim, kv = kKvHeads * kDim;
  EXPECT_EQ(w.qkv[0], at(Role::query, 0));
  EXPECT_EQ(w.qkv[query * kHidden + 5], at(Role::key, 5));
  EXPECT_EQ(w.qkv[(query + kv) * kHidden + 5], at(Role::value, 5));
  EXPECT_EQ(w.qkv_bias[query + kv + 1], at(Role::value_bias, 1));
  EXPECT_EQ(w.up[kWide * kHidden + 3], at(Role::up, 3));
  EXPECT_EQ(w.output_bias.size(), 0);
  EXPECT_EQ(w.query_norm.weight.size(), 0);
  std::vector<float> row(kHidden);
  model->weights().embedding(kVocabulary - 1, row);
  const std::vector<float>& table = tensors.by_name.at("model.embed_tokens.weight").numbers;
  EXPECT_TRUE(std::equal(row.begin(), row.end(), table.end() - kHidden));
}

TEST_F(GgufModels, MetadataIsNamed) {
  const auto without = [&](const std::string& key) { return with([&](GgufWriter& w) { drop(w, key); }); };
  const auto instead = [&](const std::string& key, auto value) {
    return with([&](GgufWriter& w) {
      drop(w, key);
      w.add(key, value);
    });
  };
  EXPECT_EQ(with([](GgufWriter&) {}), "no error");
  EXPECT_THAT(without("general.architecture"), HasSubstr("general.architecture"));
  EXPECT_THAT(instead("general.architecture", "brandnew"),
              HasSubstr("supported: llama, qwen2, qwen3, qwen3moe, gemma"));
  for (const char* key : {"block_count", "embedding_length", "attention.head_count", "feed_forward_length",
                          "context_length", "attention.layer_norm_rms_epsilon"}) {
    EXPECT_THAT(without(std::string("llama.") + key), HasSubstr(key));
  }
  EXPECT_THAT(instead("llama.block_count", "two"), HasSubstr("llama.block_count"));
  EXPECT_THAT(instead("llama.block_count", int32_t{-2}), HasSubstr("llama.block_count"));
  EXPECT_THAT(instead("llama.attention.head_count", uint32_t{0}), HasSubstr("head_count is 0"));
  EXPECT_THAT(instead("llama.attention.head_count_kv", uint32_t{3}), HasSubstr("not a multiple of 3"));
  EXPECT_THAT(instead("llama.attention.value_length", uint32_t{8}), HasSubstr("value_length"));
  EXPECT_THAT(with([&](GgufWriter& w) {
                for (const char* key : {"llama.attention.key_length", "llama.attention.value_length"}) {
                  drop(w, key);
                  w.add(key, uint32_t{0});
                }
              }),
              HasSubstr("head size is 0"));
  EXPECT_THAT(instead("llama.rope.freq_base", 0.0f), HasSubstr("RoPE"));
  EXPECT_THAT(instead("llama.rope.dimension_count", uint32_t{4}), HasSubstr("partial RoPE"));
  EXPECT_THAT(instead("llama.rope.scaling.type", "longrope"), HasSubstr("'longrope' is not supported"));
  EXPECT_THAT(instead("llama.rope.scaling.factor", 0.0f), HasSubstr("factor"));
  EXPECT_THAT(instead("llama.expert_count", uint32_t{8}), HasSubstr("llama.expert_used_count is missing"));
  EXPECT_THAT(instead("llama.attention.head_count_kv", std::vector<uint32_t>{2, 1}),
              HasSubstr("differs from layer to layer"));
  EXPECT_EQ(instead("llama.attention.head_count_kv", std::vector<uint32_t>{2, 2}), "no error");
  EXPECT_EQ(instead("tokenizer.something", "else"), "no error");
}

// A known key is read: at the value of the family it is accepted, at another one refused by name.
TEST_F(GgufModels, KeysThatActAreRead) {
  const auto adding = [&](const std::string& key, auto value) {
    return with([&](GgufWriter& w) { w.add("llama." + key, value); });
  };
  EXPECT_EQ(adding("attention.causal", true), "no error");
  EXPECT_THAT(adding("attention.causal", false), HasSubstr("llama.attention.causal is false, expected true"));
  EXPECT_EQ(adding("use_parallel_residual", false), "no error");
  EXPECT_THAT(adding("use_parallel_residual", true),
              HasSubstr("use_parallel_residual is true, expected false"));
  EXPECT_EQ(adding("tensor_data_layout", "Meta AI original pth"), "no error");
  EXPECT_THAT(adding("tensor_data_layout", "jploski"), HasSubstr("tensor_data_layout is jploski"));
  EXPECT_EQ(adding("vocab_size", uint32_t{kVocabulary}), "no error");
  EXPECT_THAT(adding("vocab_size", uint32_t{kVocabulary + 1}), HasSubstr("vocab_size is 21, expected 20"));
  EXPECT_EQ(adding("attention.scale", static_cast<float>(1 / std::sqrt(double{kDim}))), "no error");
  EXPECT_THAT(adding("attention.scale", 0.5f), HasSubstr("attention.scale is 0.5"));
  EXPECT_EQ(adding("attention.layer_norm_epsilon", 1e-6f), "no error");
  EXPECT_THAT(adding("attention.layer_norm_epsilon", 1e-5f), HasSubstr("attention.layer_norm_epsilon"));
  for (const char* key : {"expert_used_count", "attention.sliding_window", "pooling_type"}) {
    EXPECT_EQ(adding(key, uint32_t{0}), "no error") << key;
    EXPECT_THAT(adding(key, uint32_t{2}), HasSubstr(std::string("llama.") + key + " is 2, expected 0"));
  }
  for (const char* key : {"attn_logit_softcapping", "final_logit_softcapping", "attention.clamp_kqv"}) {
    EXPECT_EQ(adding(key, 0.0f), "no error") << key;
    EXPECT_THAT(adding(key, 30.0f), HasSubstr(std::string("llama.") + key + " is 30"));
  }
  for (const char* key : {"logit_scale", "embedding_scale", "residual_scale", "rope.scaling.attn_factor"}) {
    EXPECT_EQ(adding(key, 1.0f), "no error") << key;
    EXPECT_THAT(adding(key, 0.5f), HasSubstr(std::string("llama.") + key + " is 0.5"));
  }
  EXPECT_EQ(adding("rope.scaling.finetuned", true), "no error");
  EXPECT_EQ(adding("rope.scaling.original_context_length", uint32_t{32}), "no error");
  for (const char* key : {"rope.scaling.yarn_beta_fast", "attention.temperature_scale", "new_key"})
    EXPECT_THAT(adding(key, 1.0f), HasSubstr("is not understood")) << key;
  EXPECT_THAT(with([](GgufWriter& w) {
                w.add("llama.rope.scaling.factor", 4.0f).add("llama.rope.scale_linear", 2.0f);
              }),
              HasSubstr("llama.rope.scale_linear is 2"));
}

// The layout of permuted rows is Llama's alone.
TEST_F(GgufModels, TheDataLayoutIsTheFamilys) {
  GgufWriter writer = gguf("qwen2", Tensors("qwen2", true));
  ASSERT_EQ(open(writer), "no error");
  writer.add("qwen2.tensor_data_layout", "Meta AI original pth");
  EXPECT_THAT(open(writer), HasSubstr("qwen2.tensor_data_layout"));
}

TEST_F(GgufModels, FilesThatAreNoModels) {
  const auto adding = [&](const std::string& key, auto value) {
    return with([&](GgufWriter& w) { w.add(key, value); });
  };
  EXPECT_EQ(adding("general.type", "model"), "no error");
  EXPECT_THAT(adding("general.type", "adapter"), HasSubstr("a LoRA adapter, not a model; merge it"));
  EXPECT_THAT(adding("adapter.type", "lora"), HasSubstr("a LoRA adapter, not a model"));
  EXPECT_THAT(adding("general.type", "mmproj"), HasSubstr("multimodal model (mmproj)"));
  EXPECT_THAT(adding("general.type", "imatrix"), HasSubstr("importance matrix"));
  EXPECT_THAT(adding("general.type", "vocab"), HasSubstr("general.type is 'vocab'"));
  EXPECT_EQ(adding("general.quantization_version", uint32_t{2}), "no error");
  EXPECT_THAT(adding("general.quantization_version", uint32_t{3}), HasSubstr("quantization_version is 3"));
  EXPECT_THAT(with([](GgufWriter& w) {
                drop(w, "general.architecture");
                w.add("general.architecture", "clip");
              }),
              HasSubstr("multimodal model (mmproj)"));
}

TEST_F(GgufModels, TensorsAreNamed) {
  const auto without = [&](const std::string& name) { return with([&](GgufWriter& w) { drop(w, name); }); };
  EXPECT_THAT(without("token_embd.weight"), HasSubstr("token_embd.weight is missing"));
  EXPECT_THAT(without("blk.1.attn_q.weight"), HasSubstr("blk.1.attn_q.weight is missing"));
  EXPECT_THAT(
      with([](GgufWriter& w) {
        drop(w, "blk.0.ffn_up.weight");
        w.add_tensor("blk.0.ffn_up.weight", {kWide, kHidden + 1}, std::vector<float>(kWide * (kHidden + 1)));
      }),
      HasSubstr("blk.0.ffn_up.weight has shape [10, 13], expected [10, 12]"));
  EXPECT_THAT(with([](GgufWriter& w) { w.add_tensor("blk.0.surprise", {1}, {1.0f}); }),
              HasSubstr("tensor blk.0.surprise is not part of a llama model with 2 layers"));
  EXPECT_THAT(with([](GgufWriter& w) { w.add_tensor("blk.2.attn_q.weight", {1}, {1.0f}); }),
              HasSubstr("blk.2.attn_q.weight is not part"));
  EXPECT_THAT(with([](GgufWriter& w) {
                w.add_tensor("rope_freqs.weight", {2}, {1.0f, 1.0f});
              }),
              HasSubstr("rope_freqs.weight: expected 3 F32 values"));
  EXPECT_THAT(with([](GgufWriter& w) {
                w.add_tensor("rope_freqs.weight", {3}, {1.0f, 0.0f, 1.0f});
              }),
              HasSubstr("RoPE frequency"));
}

TEST_F(GgufModels, RopeScalingFactorCountsUnlessTheTypeIsNone) {
  const std::vector<float> plain = rope_frequencies(5000, kDim);
  for (const auto& [type, divisor] :
       std::vector<std::pair<std::string, float>>{{"none", 1}, {"linear", 4}, {"", 4}}) {
    ASSERT_EQ(with([&](GgufWriter& w) {
                w.add("llama.rope.scaling.factor", 4.0f);
                if (!type.empty()) w.add("llama.rope.scaling.type", type);
              }),
              "no error");
    const auto model = Model::open((folder_ / "model.gguf").string());
    EXPECT_EQ(model->spec().ropes[0].inverse_frequencies,
              (std::vector<float>{plain[0] / divisor, plain[1] / divisor, plain[2] / divisor}))
        << type;
  }
}

// llama3 scaling in GGUF is a table of divisors.
TEST_F(GgufModels, RopeFrequenciesAreDivided) {
  ASSERT_EQ(with([](GgufWriter& w) {
              w.add_tensor("rope_freqs.weight", {3}, {1.0f, 2.0f, 8.0f});
            }),
            "no error");
  const auto model = Model::open((folder_ / "model.gguf").string());
  const std::vector<float> plain = rope_frequencies(5000, kDim);
  EXPECT_EQ(model->spec().ropes[0].inverse_frequencies,
            (std::vector<float>{plain[0], plain[1] / 2, plain[2] / 8}));
}

}  // namespace
}  // namespace idleheads
