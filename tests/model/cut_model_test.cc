// GGUF models whose layers have different numbers of heads: which heads they are, and everything that such a
// file can say wrongly, each by name.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <utility>
#include <vector>

#include "base/mapped_file.h"
#include "format/gguf.h"
#include "format/gguf_writer.h"
#include "idleheads/model/model.h"
#include "model/changed_golden.h"
#include "model/config.h"
#include "support/errors.h"
#include "support/temp_folder.h"

namespace idleheads {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using Integers = std::vector<int64_t>;
using Texts = std::vector<std::string>;

std::string file_of(const std::string& name) {
  return std::string(IDLEHEADS_TEST_DATA) + "/cut_models/" + name + "/cut.gguf";
}

const AttentionSpec& attention_of(const Model& model, size_t layer) {
  return model.spec().layers.at(layer).attention;
}

TEST(CutModelSpec, LayersHaveTheirOwnHeadsAndMlps) {
  const auto model = Model::open(file_of("no_attention"));
  const ModelSpec& spec = model->spec();
  EXPECT_EQ(spec.family, "deci");
  EXPECT_EQ(spec.heads(), 6);
  EXPECT_EQ(spec.kv_heads(), 2);
  EXPECT_EQ(spec.head_count(), 7);
  EXPECT_EQ(spec.most_heads(), 4);
  EXPECT_EQ(spec.most_kv_heads(), 2);
  EXPECT_THAT(attention_of(*model, 0).columns, ElementsAre(0, 1, 3, 5));
  EXPECT_EQ(attention_of(*model, 0).kv_heads, 2);
  EXPECT_FALSE(attention_of(*model, 1).is_there());
  EXPECT_EQ(attention_of(*model, 1).kv_heads, 0);
  EXPECT_FALSE(spec.layers[1].attention_norm.is_there());
  EXPECT_THAT(attention_of(*model, 2).columns, ElementsAre(3, 4, 5));
  EXPECT_EQ(attention_of(*model, 2).kv_heads, 1);
  for (const LayerSpec& layer : spec.layers) EXPECT_EQ(layer.attention.head_dim, 12);
  EXPECT_EQ(spec.layers[0].mlp.width, 48);
  EXPECT_EQ(spec.layers[1].mlp.width, 32);
  EXPECT_EQ(spec.layers[2].mlp.width, 40);
}

TEST(CutModelSpec, Biases) {
  const auto model = Model::open(file_of("biases"));
  for (const LayerSpec& layer : model->spec().layers) {
    EXPECT_EQ(layer.attention.qkv_bias, layer.attention.is_there());
    EXPECT_EQ(layer.attention.output_bias, layer.attention.is_there());
    EXPECT_TRUE(layer.mlp.bias);
  }
  EXPECT_FALSE(attention_of(*model, 2).is_there());
}

// The files' contents with some of them changed.
class ChangedCut {
 public:
  explicit ChangedCut(const std::string& name = "no_attention")
      : file_(file_of(name)), gguf_(parse_gguf(file_.bytes(), name)) {}

  ChangedCut& set(const std::string& key, GgufValue value) {
    gguf_.metadata[key] = std::move(value);
    return *this;
  }
  ChangedCut& erase(const std::string& key) {
    gguf_.metadata.erase(key);
    return *this;
  }
  ChangedCut& erase_names();
  ChangedCut& erase_tensor(const std::string& name) {
    std::erase_if(gguf_.tensors, [&](const Tensor& tensor) { return tensor.name == name; });
    return *this;
  }
  ChangedCut& add_tensor(const std::string& name, const std::string& like) {
    Tensor tensor = *std::ranges::find(gguf_.tensors, like, &Tensor::name);
    tensor.name = name;
    gguf_.tensors.push_back(tensor);
    return *this;
  }

  std::shared_ptr<const Model> open() const {
    test::GgufWriter writer;
    for (const auto& [key, value] : gguf_.metadata)
      std::visit([&, &key = key](const auto& content) { add(writer, key, content); }, value);
    for (const Tensor& tensor : gguf_.tensors)
      writer.add_tensor(tensor.name, tensor.dtype, tensor.shape, test::Bytes().bytes(tensor.data));
    const std::vector<std::byte> bytes = writer.bytes();
    const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    const test::TempFolder folder;  // the model keeps the file mapped
    return Model::open(folder.write("model.gguf", text).string());
  }
  std::string error() const {
    return test::error_of([&] { open(); });
  }

 private:
  template <typename T>
  static void add(test::GgufWriter& writer, const std::string& key, const T& value) {
    if constexpr (!std::is_same_v<T, std::vector<bool>>) writer.add(key, value);
  }

  MappedFile file_;
  Gguf gguf_;
};

constexpr const char *kHeadCount = "deci.attention.head_count",
                     *kKvHeadCount = "deci.attention.head_count_kv", *kWidths = "deci.feed_forward_length",
                     *kCount = "idleheads.head_count", *kKept = "idleheads.kept_heads",
                     *kKvCount = "idleheads.head_count_kv", *kKvKept = "idleheads.kept_kv_heads";

ChangedCut& ChangedCut::erase_names() { return erase(kCount).erase(kKept).erase(kKvCount).erase(kKvKept); }

TEST(CutModelSpec, WithoutNamesHeadsAreTheFirst) {
  const auto model = ChangedCut().erase_names().open();
  EXPECT_EQ(model->spec().heads(), 4);
  // Two key/value heads of two query heads in one layer, one of three in another.
  EXPECT_EQ(model->spec().kv_heads(), std::nullopt);
  EXPECT_EQ(attention_of(*model, 2).column(2), 2);
}

TEST(CutModelSpec, TheGridMayBeWiderThanAnyLayer) {
  ChangedCut cut;
  cut.erase_names().set(kCount, int64_t{32});
  EXPECT_EQ(cut.open()->spec().heads(), 32);
}

TEST(CutModelSpec, NamesWithoutAGridAreOfTheLayerWithMostHeads) {
  ChangedCut cut;
  cut.erase_names().set(kKept, Texts{"0,1,2,3", "", "0,1,3"});
  const auto model = cut.open();
  EXPECT_EQ(model->spec().heads(), 4);
  EXPECT_THAT(attention_of(*model, 2).columns, ElementsAre(0, 1, 3));
}

TEST(CutModelSpec, KeyValueHeadsMayBeAllThatThereAre) {
  ChangedCut cut;
  cut.erase(kKvCount).set(kKvKept, Texts{"0,1", "", "1"});
  EXPECT_EQ(cut.open()->spec().kv_heads(), 2);
}

TEST(CutModelSpec, HeadSizeIsThatOfTheFirstLayersHeadsIfUnsaid) {
  ChangedCut cut;
  cut.erase("deci.attention.key_length").erase("deci.attention.value_length");
  EXPECT_THAT(cut.error(), HasSubstr("rope.dimension_count 12 is not the head size 7"));
}

TEST(CutModelErrors, NumbersOfHeads) {
  const auto error = [](const char* key, GgufValue value) {
    return ChangedCut().set(key, std::move(value)).error();
  };
  EXPECT_THAT(
      error(kHeadCount, Integers{4, 0}),
      HasSubstr("model.gguf: metadata deci.attention.head_count is a list of 2, expected 3, one a layer"));
  EXPECT_THAT(
      error(kHeadCount, Integers{0, 0, 3}),
      HasSubstr("deci.attention.head_count is 0 in layer 0, expected at least 1: the first layer needs "
                "attention"));
  EXPECT_THAT(error(kHeadCount, Integers{4, -1, 3}),
              HasSubstr("deci.attention.head_count is not a sensible whole number"));
  EXPECT_THAT(error(kHeadCount, Texts{"4"}),
              HasSubstr("deci.attention.head_count is not a sensible whole number"));
  EXPECT_THAT(
      error(kKvHeadCount, Integers{2, 0, 0}),
      HasSubstr("deci.attention.head_count_kv is 0 in layer 2, expected at least 1: linear attention is not "
                "supported"));
  EXPECT_THAT(
      error(kKvHeadCount, Integers{2, 1, 1}),
      HasSubstr("deci.attention.head_count_kv is 1 in layer 1, expected 0, for the layer has no attention "
                "heads"));
  EXPECT_THAT(
      error(kKvHeadCount, Integers{2, 0, 2}),
      HasSubstr("deci.attention.head_count is 3 in layer 2, expected a multiple of its 2 key/value heads"));
  EXPECT_THAT(error(kHeadCount, Integers{5000, 0, 3}),
              HasSubstr("attention heads is 5000, expected 1 to 4096"));
  EXPECT_THAT(
      error(kWidths, Integers{48, 0, 40}),
      HasSubstr("deci.feed_forward_length is 0 in layer 1, expected at least 1: layers without MLP are not "
                "supported"));
  EXPECT_THAT(error(kWidths, Integers{48, 31, 40}),
              HasSubstr("tensor blk.1.ffn_gate.weight has shape [32, 30], expected [31, 30]"));
  EXPECT_THAT(error(kHeadCount, Integers{2, 0, 3}),
              HasSubstr("idleheads.kept_heads of layer 0 is '0,1,3,5', expected 2"));
  EXPECT_THAT(ChangedCut().erase(kHeadCount).error(), HasSubstr("deci.attention.head_count is missing"));
}

TEST(CutModelErrors, NamesOfHeads) {
  const auto kept = [](Texts texts) { return ChangedCut().set(kKept, std::move(texts)).error(); };
  EXPECT_THAT(kept({"0,1,3,5", ""}), HasSubstr("idleheads.kept_heads has 2 lists, expected 3, one a layer"));
  for (const char* list : {"0,1,3", "0,1,3,5,", "0,1,5,3", "0,1,1,5", "0,1,3,6", "0,1,3,-5", "", "a",
                           "0 1 3 5", "0,1,3,99999999999", ",0,1,3,5"}) {
    EXPECT_THAT(kept({list, "", "3,4,5"}),
                HasSubstr("idleheads.kept_heads of layer 0 is '" + std::string(list) +
                          "', expected 4 ascending numbers from 0 to 5, as in '0,1,4'"));
  }
  EXPECT_THAT(
      kept({"0,1,3,5", "2", "3,4,5"}),
      HasSubstr("idleheads.kept_heads of layer 1 is '2', expected nothing, for the layer has no attention "
                "heads"));
  EXPECT_THAT(ChangedCut().set(kKept, std::string("0")).error(),
              HasSubstr("metadata idleheads.kept_heads is a string, expected a list of strings"));
  EXPECT_THAT(ChangedCut().set(kCount, int64_t{3}).error(),
              HasSubstr("metadata idleheads.head_count is 3, expected 4 (the most of a layer) to 4096"));
  EXPECT_THAT(ChangedCut().set(kCount, int64_t{5000}).error(),
              HasSubstr("idleheads.head_count is 5000, expected 4"));
}

TEST(CutModelErrors, KeyValueHeads) {
  EXPECT_THAT(ChangedCut().set(kKvCount, int64_t{4}).error(),
              HasSubstr("idleheads.head_count_kv is 4, expected a divisor of 6, the number of query heads"));
  EXPECT_THAT(ChangedCut().set(kKvCount, int64_t{1}).error(),
              HasSubstr("idleheads.head_count_kv is 1, expected 2 (the most of a layer) to 4096"));
  EXPECT_THAT(ChangedCut().set(kKvKept, Texts{"0,1", "", "0"}).error(),
              HasSubstr("idleheads.kept_heads of layer 2: head 3 reads key/value head 0, expected 1 "
                        "(idleheads.kept_kv_heads)"));
  EXPECT_THAT(
      ChangedCut().set(kKvKept, Texts{"0", "", "1"}).error(),
      HasSubstr("idleheads.kept_kv_heads of layer 0 is '0', expected 2 ascending numbers from 0 to 1"));
  EXPECT_THAT(ChangedCut().set(kKept, Texts{"0,1,2,5", "", "3,4,5"}).error(),
              HasSubstr("idleheads.kept_heads of layer 0: head 2 reads key/value head 1, expected 0"));
  EXPECT_THAT(ChangedCut().erase(kKvKept).error(), HasSubstr("head 3 reads key/value head 0, expected 1"));
}

TEST(CutModelErrors, Tensors) {
  EXPECT_THAT(ChangedCut().erase_tensor("blk.2.attn_k.weight").error(), HasSubstr("blk.2.attn_k.weight"));
  EXPECT_THAT(ChangedCut().add_tensor("blk.1.attn_norm.weight", "blk.0.attn_norm.weight").error(),
              HasSubstr("tensor blk.1.attn_norm.weight is not part of a deci model with 3 layers"));
  EXPECT_THAT(ChangedCut().add_tensor("blk.1.attn_output.weight", "blk.0.attn_output.weight").error(),
              HasSubstr("tensor blk.1.attn_output.weight is not part of a deci model"));
  EXPECT_THAT(ChangedCut().add_tensor("blk.1.attn_output.bias", "blk.0.attn_norm.weight").error(),
              HasSubstr("tensor blk.1.attn_output.bias is not part of a deci model"));
  EXPECT_THAT(ChangedCut("biases").erase_tensor("blk.1.attn_v.bias").error(), HasSubstr("blk.1.attn_v.bias"));
}

// Other families have one number of heads; their files may be cut evenly, and then have names too.
TEST(CutModelErrors, OtherFamiliesHaveOneNumberOfHeads) {
  const std::string path = std::string(IDLEHEADS_TEST_DATA) + "/cut_models/no_attention/zeroed.gguf";
  const MappedFile file(path);
  Gguf gguf = parse_gguf(file.bytes(), path);
  EXPECT_EQ(Model::open(path)->spec().heads(), 6);
  gguf.metadata["llama.attention.head_count"] = Integers{6, 6, 3};
  EXPECT_THAT(test::error_of([&] { spec_from_gguf(gguf, "x"); }),
              HasSubstr("llama.attention.head_count differs from layer to layer, which is not supported"));
  gguf.metadata["llama.attention.head_count"] = Integers{6, 6, 6};
  gguf.metadata[kCount] = int64_t{8};
  gguf.metadata[kKept] = Texts{"0,1,2,3,4,5", "2,3,4,5,6,7", "0,1,2,4,5,7"};
  const ModelSpec spec = spec_from_gguf(gguf, "x");
  EXPECT_EQ(spec.heads(), 8);
  EXPECT_EQ(spec.layers[1].attention.column(0), 2);
}

TEST(CutModelErrors, AFolderIsNotOfThisFamily) {
  for (const char* type : {"deci", "nemotron-nas"}) {
    const std::string error =
        test::opening_of("llama_bias", [&](Json& config) { config["model_type"] = type; });
    EXPECT_THAT(error,
                HasSubstr("model family '" + std::string(type) + "' is not supported; supported: llama, "));
    EXPECT_THAT(error, testing::Not(HasSubstr(", deci")));
  }
}

}  // namespace
}  // namespace idleheads
