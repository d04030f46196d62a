// Folders without some of a model's heads: they give what the model gives with these heads off, up to the
// order of sums, and hold less.
#include "prune/cut_folder.h"

#include "base/mapped_file.h"
#include "format/safetensors.h"
#include "format/safetensors_writer.h"
#include "model/changed_golden.h"
#include "prune/prune_fixture.h"

namespace idleheads::test {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr const char* kFamilies[] = {"llama_v5", "llama_bias", "mistral", "qwen2_sliding", "qwen3",
                                     "smollm3",  "gemma",      "granite", "olmo",          "starcoder2"};

// Logits here are of the order of 1, and sums of some dozen float32 terms in another order differ by some
// 1e-7 of their size; a wrong head moves a logit by 0.01 and more (what masks change is tested with them).
constexpr double kTolerance = 2e-5;

Json json_of(const fs::path& file) { return parse_json(read_text_file(file), file.string()); }

std::string bytes_of(const Tensor& tensor) {
  return {reinterpret_cast<const char*>(tensor.data.data()), tensor.data.size()};
}

class CutFolderTest : public FolderFixture {
 protected:
  static std::string golden(const std::string& family) { return golden_family(family).string(); }
  static ModelSpec spec_of(const std::string& path) { return Model::open(path)->spec(); }

  CutForm cut(const std::string& path, const HeadMask& mask) {
    fs::remove_all(out_);
    const CutFolder cut = write_cut_folder(*Model::open(path), mask, out_);
    EXPECT_EQ(cut.written.path, out_);
    EXPECT_EQ(cut.written.bytes, Model::open(out_)->checkpoint().file_bytes());
    return cut.form;
  }
  // Of a logit from those of the model with the mask, which changes them.
  double difference(const std::string& path, const HeadMask& mask) const {
    const std::vector<float> masked = logits(path, fixed(mask));
    EXPECT_GT(largest_difference(logits(path, std::monostate{}), masked), 500 * kTolerance) << path;
    return largest_difference(logits(out_, std::monostate{}), masked);
  }
  std::string error_of_cut(const std::string& path, const std::vector<HeadId>& heads) const {
    return error_of([&] { write_cut_folder(*Model::open(path), mask_of(spec_of(path), heads), out_); });
  }

  const std::string out_ = (folder_ / "out").string();
};

std::vector<HeadId> all_heads(const ModelSpec& spec, int layer) {
  std::vector<HeadId> heads;
  for (int h = 0; h < spec.heads(); ++h) heads.push_back({layer, h});
  return heads;
}

// One key/value head less in every layer but the first, whichever it is.
std::vector<HeadId> a_group_of_each(const ModelSpec& spec, int first_layer = 0) {
  std::vector<HeadId> heads;
  const int members = spec.heads() / spec.kv_heads().value();
  for (int l = first_layer; l < spec.layer_count(); ++l) {
    for (int h = 0; h < members; ++h) heads.push_back({l, l % 2 * members + h});
  }
  return heads;
}

TEST_F(CutFolderTest, LayersThatDiffer) {
  for (const char* family : kFamilies) {
    const ModelSpec spec = spec_of(golden(family));
    const HeadMask mask = some_heads(spec);
    EXPECT_EQ(cut(golden(family), mask), CutForm::per_layer) << family;
    EXPECT_LT(difference(golden(family), mask), kTolerance) << family;
    const ModelSpec left = spec_of(out_);
    EXPECT_EQ(left.family, spec.family);
    EXPECT_EQ(left.heads(), spec.heads());
    EXPECT_LT(left.head_count(), spec.head_count());
    EXPECT_THAT(read_text_file(fs::path(out_) / "modeling_idleheads.py"), HasSubstr("class CutForCausalLM"));
  }
}

TEST_F(CutFolderTest, EveryLayerAlike) {
  for (const char* family : kFamilies) {
    const ModelSpec spec = spec_of(golden(family));
    const HeadMask mask = mask_of(spec, a_group_of_each(spec));
    EXPECT_NE(cut(golden(family), mask), CutForm::as_mistral) << family;
    EXPECT_LT(difference(golden(family), mask), kTolerance) << family;
    EXPECT_EQ(spec_of(out_).heads(), spec.heads()) << "names stay";
  }
}

TEST_F(CutFolderTest, LayersWithoutAttention) {
  for (const char* family :
       {"llama_v5", "mistral", "qwen2_sliding", "qwen3", "smollm3", "gemma", "granite", "olmo"}) {
    const ModelSpec spec = spec_of(golden(family));
    const HeadMask mask = mask_of(spec, all_heads(spec, 2));
    EXPECT_EQ(cut(golden(family), mask), CutForm::per_layer) << family;
    EXPECT_LT(difference(golden(family), mask), kTolerance) << family;
    EXPECT_FALSE(spec_of(out_).layers[2].attention.is_there());
    EXPECT_EQ(json_of(fs::path(out_) / "config.json")["per_layer_config"],
              Json({{"2", {{"skip", {"attention"}}}}}));
    const std::shared_ptr<const Model> model = Model::open(out_);
    for (const Tensor& tensor : model->checkpoint().tensors()) {
      EXPECT_FALSE(tensor.name.starts_with("model.layers.2.self_attn")) << tensor.name;
      EXPECT_NE(tensor.name, "model.layers.2.input_layernorm.weight");
    }
  }
}

// Of groups of three one head stays where another group needs it: with zeros, and the mask's numbers.
TEST_F(CutFolderTest, HeadsThatStayAsZeros) {
  const std::string path = golden("qwen3");
  const HeadMask mask = mask_of(spec_of(path), {{1, 0}, {2, 0}, {2, 1}, {2, 3}});
  cut(path, mask);
  EXPECT_LT(difference(path, mask), kTolerance);
  const ModelSpec left = spec_of(out_);
  EXPECT_THAT(left.layers[1].attention.columns, ElementsAre(0, 1, 2, 3, 4, 5));
  EXPECT_THAT(left.layers[2].attention.columns, ElementsAre(0, 2, 4, 5));
}

// A head keeps its name: off in the cut model it is what it is in the whole one.
TEST_F(CutFolderTest, NamesStay) {
  const std::string path = golden("llama_v5");
  HeadMask mask = mask_of(spec_of(path), {{1, 0}, {1, 1}, {1, 2}, {2, 1}, {2, 4}});
  cut(path, mask);
  mask.set(1, 4, true);
  const std::vector<float> expected = logits(path, fixed(mask));
  EXPECT_LT(largest_difference(logits(out_, FixedHeads{{{1, 4}}}), expected), kTolerance);
  EXPECT_GT(largest_difference(logits(out_, FixedHeads{{{1, 3}}}), expected), 100 * kTolerance);
}

TEST_F(CutFolderTest, WhatConfigSays) {
  const auto changes = [&](const std::string& family) {
    const Json before = json_of(golden_family(family) / "config.json"),
               after = json_of(fs::path(out_) / "config.json");
    Json changed = Json::object();
    for (const auto& [key, value] : after.items()) {
      if (!before.contains(key) || before[key] != value) changed[key] = value;
    }
    for (const auto& [key, value] : before.items()) EXPECT_TRUE(after.contains(key)) << key;
    return changed;
  };
  const ModelSpec llama = spec_of(golden("llama_v5"));
  // 3 heads of 6 divide 30; 4 do not.
  EXPECT_EQ(cut(golden("llama_v5"), mask_of(llama, a_group_of_each(llama))), CutForm::plain);
  const Json names = {{"head_count", 6},
                      {"kept_heads", {"3,4,5", "0,1,2", "3,4,5"}},
                      {"head_count_kv", 2},
                      {"kept_kv_heads", {"1", "0", "1"}}};
  EXPECT_EQ(changes("llama_v5"),
            Json({{"num_attention_heads", 3}, {"num_key_value_heads", 1}, {"idleheads", names}}));
  EXPECT_FALSE(fs::exists(fs::path(out_) / "modeling_idleheads.py"));

  const std::vector<HeadId> one_of_each = {{0, 0}, {0, 3}, {1, 1}, {1, 4}, {2, 2}, {2, 5}};
  EXPECT_EQ(cut(golden("llama_v5"), mask_of(llama, one_of_each)), CutForm::as_mistral);
  EXPECT_LT(difference(golden("llama_v5"), mask_of(llama, one_of_each)), kTolerance);
  Json as_mistral = changes("llama_v5");
  EXPECT_EQ(as_mistral["model_type"], "mistral");
  EXPECT_EQ(as_mistral["architectures"], Json({"MistralForCausalLM"}));
  EXPECT_EQ(as_mistral["num_attention_heads"], 4);
  EXPECT_EQ(as_mistral["transformers_version"], "5.0.0");
  EXPECT_TRUE(as_mistral["sliding_window"].is_null());
  EXPECT_EQ(spec_of(out_).family, "mistral");
  EXPECT_EQ(spec_of(out_).layers[2].attention.column(2), 3);

  // Mistral has no biases.
  const ModelSpec biased = spec_of(golden("llama_bias"));
  EXPECT_EQ(cut(golden("llama_bias"), mask_of(biased, one_of_each)), CutForm::per_layer);
  EXPECT_LT(difference(golden("llama_bias"), mask_of(biased, one_of_each)), kTolerance);
  const Json own = {{"num_attention_heads", 4}, {"num_key_value_heads", 2}};
  const Json per_layer = changes("llama_bias");
  EXPECT_EQ(per_layer["per_layer_config"], Json({{"0", own}, {"1", own}, {"2", own}}));
  EXPECT_EQ(per_layer["model_type"], "idleheads_llama");
  EXPECT_EQ(per_layer["architectures"], Json({"CutForCausalLM"}));
  EXPECT_EQ(per_layer["auto_map"], Json({{"AutoConfig", "modeling_idleheads.CutConfig"},
                                         {"AutoModelForCausalLM", "modeling_idleheads.CutForCausalLM"}}));
  EXPECT_EQ(per_layer.size(), 5u) << per_layer;

  // Other families may have any number of heads.
  const ModelSpec qwen3 = spec_of(golden("qwen3"));
  EXPECT_EQ(cut(golden("qwen3"), mask_of(qwen3, one_of_each)), CutForm::plain);
  // The head size is said where it was not.
  const ModelSpec mistral = spec_of(golden("mistral"));
  cut(golden("mistral"), mask_of(mistral, a_group_of_each(mistral)));
  EXPECT_EQ(changes("mistral")["head_dim"], 10);
}

// Rows of Q, K and V with their biases and columns of W_O keep their bytes in every type, and files their
// names.
TEST_F(CutFolderTest, EveryTypeInShards) {
  const std::vector<HeadId> heads = {{1, 0}, {1, 1}, {1, 2}, {2, 1}, {2, 4}};
  for (const DType type : {DType::f32, DType::f16, DType::bf16}) {
    const fs::path model = folder_ / "model";
    fs::remove_all(model);
    fs::create_directory(model);
    fs::copy(golden_family("llama_bias") / "config.json", model / "config.json");
    const MappedFile whole(golden_family("llama_bias") / "model.safetensors");
    SafetensorsWriter shards[2];
    Json index = {{"metadata", {{"total_size", 1}}}, {"weight_map", Json::object()}};
    size_t count = 0;
    for (const Tensor& tensor : parse_safetensors(whole.bytes(), "model").tensors) {
      // The upper bytes of a float32 are a BF16, and some number in F16.
      Bytes data;
      const auto size = static_cast<size_t>(dtype_info(type).block_bytes);
      for (size_t i = 0; i < tensor.data.size(); i += 4) data.bytes(tensor.data.subspan(i + 4 - size, size));
      const char* name = count % 2 == 0 ? "a.safetensors" : "b.safetensors";
      shards[count++ % 2].add(tensor.name, type, tensor.shape, data);
      index["weight_map"][tensor.name] = name;
    }
    for (const int i : {0, 1})
      write(std::string("model/") + (i == 0 ? "a" : "b") + ".safetensors",
            shards[i].add_metadata("format", "pt").bytes());
    write("model/model.safetensors.index.json", dump_json(index));
    write("model/tokenizer.json", std::string("{}"));

    const HeadMask mask = mask_of(spec_of(model.string()), heads);
    cut(model.string(), mask);
    EXPECT_LT(difference(model.string(), mask), kTolerance);
    const auto before = Model::open(model.string()), after = Model::open(out_);
    const auto part = [&](const char* name, int64_t first, int64_t count_of) {
      const Tensor& tensor = before->checkpoint().require(name);
      const size_t row = tensor.data.size() / static_cast<size_t>(tensor.shape.front());
      return bytes_of(tensor).substr(static_cast<size_t>(first) * row, static_cast<size_t>(count_of) * row);
    };
    const auto now = [&](const char* name) { return bytes_of(after->checkpoint().require(name)); };
    for (const char* name :
         {"model.layers.1.self_attn.q_proj.weight", "model.layers.1.self_attn.q_proj.bias"})
      EXPECT_EQ(now(name), part(name, 36, 36)) << name;
    for (const char* name :
         {"model.layers.1.self_attn.v_proj.weight", "model.layers.1.self_attn.k_proj.bias"})
      EXPECT_EQ(now(name), part(name, 12, 12)) << name;
    const char* two = "model.layers.2.self_attn.q_proj.weight";
    EXPECT_EQ(now(two), part(two, 0, 12) + part(two, 24, 24) + part(two, 60, 12));
    const char* output = "model.layers.1.self_attn.o_proj.weight";
    std::string columns;
    for (int64_t r = 0; r < 30; ++r) columns += part(output, r, 1).substr(part(output, r, 1).size() / 2);
    EXPECT_EQ(now(output), columns);
    for (const char* name : {"lm_head.weight", "model.layers.1.self_attn.o_proj.bias"})
      EXPECT_EQ(now(name), part(name, 0, before->checkpoint().require(name).shape.front())) << name;

    const Json written = json_of(fs::path(out_) / "model.safetensors.index.json");
    EXPECT_EQ(written["weight_map"], index["weight_map"]);
    int64_t total = 0;
    for (const Tensor& tensor : after->checkpoint().tensors()) total += std::ssize(tensor.data);
    EXPECT_EQ(written["metadata"], Json({{"total_size", total}}));
    EXPECT_TRUE(fs::exists(fs::path(out_) / "tokenizer.json"));
    const MappedFile shard(fs::path(out_) / "a.safetensors");
    EXPECT_EQ(parse_safetensors(shard.bytes(), "a").metadata.at("format"), "pt");
  }
}

TEST_F(CutFolderTest, WhatIsRefused) {
  EXPECT_THAT(error_of_cut(golden("olmo3"), {{1, 0}}),
              HasSubstr("in olmo3 models the norms of queries and keys run over all heads together"));
  for (const char* family : {"gemma2", "falcon_new", "gpt_oss", "gpt2", "mixtral", "phi3"}) {
    EXPECT_THAT(error_of_cut(golden(family), {{1, 0}}),
                AllOf(HasSubstr("folders of llama, mistral, qwen2, qwen3, smollm3, gemma, granite, olmo, "
                                "starcoder2 models, not of"),
                      HasSubstr("write zeros without --cut")))
        << family;
  }
  EXPECT_THAT(error_of_cut(golden("llama_linear") + "/model.gguf", {{1, 0}}), HasSubstr("needs a folder"));
  const ModelSpec llama = spec_of(golden("llama_v5")), sliding = spec_of(golden("qwen2_sliding"));
  EXPECT_THAT(
      error_of_cut(golden("llama_v5"), all_heads(llama, 0)),
      HasSubstr("the mask leaves layer 0 without heads, but programs take sizes from the first layer"));
  // Layers above the first have a window.
  ASSERT_EQ(sliding.layers[0].attention.window, 0);
  ASSERT_NE(sliding.layers[1].attention.window, 0);
  EXPECT_THAT(error_of_cut(golden("qwen2_sliding"), all_heads(sliding, 1)),
              HasSubstr("layer 1 without heads, but transformers takes the cache's length from"));
  EXPECT_THAT(error_of_cut(golden("llama_bias"), all_heads(llama, 1)),
              HasSubstr("layer 1 without heads, but its output projection adds a bias"));
  EXPECT_FALSE(fs::exists(out_));

  write("out/mine", std::string("kept"));
  EXPECT_THAT(error_of_cut(golden("llama_v5"), {{1, 0}}), HasSubstr("has files in it; name a new folder"));
  EXPECT_EQ(read_text_file(fs::path(out_) / "mine"), "kept");
  const std::shared_ptr<const Model> model = Model::open(golden("llama_v5"));
  EXPECT_THAT(error_of([&] {
                write_cut_folder(*model, mask_of(llama, {{1, 0}}), golden("llama_v5"));
              }),
              HasSubstr("is the model itself"));
  for (const std::vector<HeadId>& heads : {a_group_of_each(llama), a_group_of_each(llama, 1)}) {
    cut(golden("llama_v5"), mask_of(llama, heads));
    const std::shared_ptr<const Model> again = Model::open(out_);
    EXPECT_THAT(error_of([&] {
                  write_cut_folder(*again, mask_of(again->spec(), {{2, 3}}), folder_ / "again");
                }),
                HasSubstr("heads were cut from it already"));
  }
}

// An index may name a single file; where all of a file's tensors went, the file goes too.
TEST_F(CutFolderTest, FilesThatAnIndexNames) {
  const MappedFile whole(golden_family("llama_v5") / "model.safetensors");
  const std::string path = (folder_ / "model").string();
  for (const char* apart : {"", "model.layers.1.self_attn."}) {
    SafetensorsWriter most, few;
    Json map = Json::object();
    for (const Tensor& tensor : parse_safetensors(whole.bytes(), "model").tensors) {
      const bool is_apart = *apart != 0 && tensor.name.starts_with(apart);
      (is_apart ? few : most).add(tensor.name, tensor.dtype, tensor.shape, Bytes().bytes(tensor.data));
      map[tensor.name] = is_apart ? "few.safetensors" : "most.safetensors";
    }
    write("model/most.safetensors", most.bytes());
    if (*apart != 0) write("model/few.safetensors", few.bytes());
    write("model/model.safetensors.index.json", dump_json(Json{{"weight_map", map}}));
    write("model/config.json", read_text_file(golden_family("llama_v5") / "config.json"));
    cut(path, mask_of(spec_of(path), all_heads(spec_of(path), 1)));
    const auto written = Model::open(out_);
    ASSERT_EQ(written->checkpoint().files().size(), 1u);
    EXPECT_FALSE(fs::exists(fs::path(out_) / "few.safetensors"));
  }
}

// A table of an old file for a layer that is not there.
TEST_F(CutFolderTest, TensorsOfLayersThatAreNotThere) {
  const MappedFile whole(golden_family("llama_v5") / "model.safetensors");
  SafetensorsWriter writer;
  for (const Tensor& tensor : parse_safetensors(whole.bytes(), "model").tensors)
    writer.add(tensor.name, tensor.dtype, tensor.shape, Bytes().bytes(tensor.data));
  for (const char* layer : {"1", "3", "99", "99999999999999999999", "-1", ""})
    writer.add(std::string("model.layers.") + layer + ".self_attn.rotary_emb.inv_freq", {1}, {1.0f});
  write("model/model.safetensors", writer.bytes());
  fs::copy(golden_family("llama_v5") / "config.json", folder_ / "model/config.json");
  const std::string path = (folder_ / "model").string();
  cut(path, mask_of(spec_of(path), all_heads(spec_of(path), 1)));
  const std::shared_ptr<const Model> model = Model::open(out_);
  EXPECT_EQ(model->checkpoint().find("model.layers.1.self_attn.rotary_emb.inv_freq"), nullptr);
  EXPECT_NE(model->checkpoint().find("model.layers.99.self_attn.rotary_emb.inv_freq"), nullptr);
}

// Zeros in a model that is cut already: heads are those of the whole model.
TEST_F(CutFolderTest, ZerosInACutModel) {
  const std::string path = golden("llama_v5"), zeroed = (folder_ / "zeroed").string();
  cut(path, mask_of(spec_of(path), {{1, 0}, {1, 1}, {1, 2}}));
  const std::shared_ptr<const Model> model = Model::open(out_);
  const HeadMask mask = mask_of(model->spec(), {{0, 3}, {1, 5}});
  write_zeroed(*model, mask, zeroed);
  expect_zeroed(out_, zeroed, mask);
}

}  // namespace
}  // namespace idleheads::test
