// Models without some of their heads: they give what the model gives with these heads off, up to the order of
// sums, and hold less.
#include "prune/cut_gguf.h"

#include "base/mapped_file.h"
#include "format/gguf.h"
#include "prune/prune_fixture.h"
#include "prune/quantised_model.h"
#include "support/errors.h"

namespace idleheads::test {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

class CutGguf : public testing::Test {
 protected:
  std::string write(const QuantisedModel& model) {
    const std::vector<std::byte> bytes = model.bytes();
    folder_.write("model.gguf", {reinterpret_cast<const char*>(bytes.data()), bytes.size()});
    return (folder_.path() / "model.gguf").string();
  }
  std::string error_of_cut(const std::string& path, const HeadMask& mask, std::optional<DType> type = {}) {
    return error_of([&] { write_cut_gguf(*Model::open(path), mask, out_, type); });
  }
  // The largest difference of a logit from those of the model with the mask.
  double cut(const std::string& path, const HeadMask& mask, std::optional<DType> type = {}) {
    write_cut_gguf(*Model::open(path), mask, out_, type);
    return largest_difference(logits(path, fixed(mask)), logits(out_, std::monostate{}));
  }

  const TempFolder folder_;
  const std::string out_ = (folder_.path() / "out.gguf").string();
};

// Logits here are of the order of 10, and sums of some hundred float32 terms in another order differ by some
// 1e-6 of their size; a wrong head moves a logit by 0.1 and more (the last expectation of each test).
constexpr double kGgufTolerance = 1e-3;

// Whole groups, heads inside groups, some that stay as zeros, and a layer without attention.
TEST_F(CutGguf, GivesWhatTheMaskGives) {
  const std::string path = write({.type = DType::q8_0, .layers = 4});
  const ModelSpec spec = Model::open(path)->spec();
  std::vector<HeadId> heads = {{0, 2}, {0, 3}, {1, 0}, {1, 2}, {1, 5}, {1, 7}, {3, 0}, {3, 1}, {3, 6}};
  for (int h = 0; h < 8; ++h) heads.push_back({2, h});
  const HeadMask mask = mask_of(spec, heads);
  EXPECT_LT(cut(path, mask), kGgufTolerance);

  const std::shared_ptr<const Model> model = Model::open(out_);
  EXPECT_EQ(model->spec().family, "deci");
  std::vector<int> left, kv_left;
  for (const LayerSpec& layer : model->spec().layers) {
    left.push_back(layer.attention.heads);
    kv_left.push_back(layer.attention.kv_heads);
  }
  EXPECT_THAT(left, ElementsAre(6, 4, 0, 6)) << "of layer 3 head 6 stays as zeros";
  EXPECT_THAT(kv_left, ElementsAre(3, 4, 0, 3));
  EXPECT_LT(fs::file_size(out_), fs::file_size(path));
  const MappedFile file(out_);
  const Gguf gguf = parse_gguf(file.bytes(), "out");
  EXPECT_EQ(require<std::vector<std::string>>(gguf, "idleheads.kept_heads"),
            (std::vector<std::string>{"0,1,4,5,6,7", "1,3,4,6", "", "2,3,4,5,6,7"}));
  EXPECT_EQ(require<std::vector<std::string>>(gguf, "idleheads.kept_kv_heads"),
            (std::vector<std::string>{"0,2,3", "0,1,2,3", "", "1,2,3"}));

  // A head keeps its name: off in the cut model it is what it is in the whole one.
  HeadMask more = mask;
  more.set(0, 5, true);
  const std::vector<float> expected = logits(path, fixed(more));
  EXPECT_LT(largest_difference(logits(out_, FixedHeads{{{0, 5}}}), expected), kGgufTolerance);
  EXPECT_GT(largest_difference(logits(out_, FixedHeads{{{0, 4}}}), expected), 0.05);
}

// Rows and columns in every type keep their bytes; what cannot be divided is refused, or written anew.
TEST_F(CutGguf, EveryType) {
  for (int t = 0; t <= static_cast<int>(DType::mxfp4); ++t) {
    const auto type = static_cast<DType>(t);
    const std::string name(dtype_info(type).name), path = write({.type = type});
    const HeadMask mask = mask_of(Model::open(path)->spec(), {{1, 2}, {1, 3}});
    if (dtype_info(type).block_elements <= 32) {
      EXPECT_LT(cut(path, mask), kGgufTolerance) << name;
      continue;
    }
    EXPECT_THAT(error_of_cut(path, mask),
                AllOf(HasSubstr("tensor blk.1.attn_output.weight: heads have 32 columns, but " + name +
                                " stores 256 together"),
                      HasSubstr("--requantise")));
    EXPECT_LT(cut(path, mask, DType::f16), 0.05) << name << ": F16 rounds weights by 2^-12";
    EXPECT_LT(cut(path, mask, DType::q8_0), 1.0) << name;
  }
}

// Qwen2's files have RoPE's halves apart: rows of Q and K, and their biases, go where Llama's files have
// them.
TEST_F(CutGguf, Qwen2) {
  const std::string path = write({.type = DType::q5_0, .architecture = "qwen2"});
  const ModelSpec spec = Model::open(path)->spec();
  ASSERT_FALSE(spec.storage.interleaved_rope);
  EXPECT_LT(cut(path, mask_of(spec, {{0, 4}, {0, 5}, {1, 1}, {1, 2}, {1, 5}, {1, 7}})), kGgufTolerance);
  EXPECT_TRUE(Model::open(out_)->spec().layers[1].attention.qkv_bias);
}

TEST_F(CutGguf, WhatIsRefused) {
  const std::string path = write({});
  const ModelSpec spec = Model::open(path)->spec();
  std::vector<HeadId> first;
  for (int h = 0; h < 8; ++h) first.push_back({0, h});
  EXPECT_THAT(error_of_cut(path, mask_of(spec, first)), HasSubstr("the mask leaves layer 0 without heads"));
  const std::string folder = (kGoldens / "tiny/llama").string();
  EXPECT_THAT(error_of_cut(folder, mask_of(Model::open(folder)->spec(), {{1, 0}})),
              HasSubstr("needs a GGUF file"));
  const std::pair<const char*, const char*> more[] = {{"qwen3", "norms of queries and keys"},
                                                      {"gemma2", "attention windows"},
                                                      {"mixtral", "experts"},
                                                      {"granite", "multipliers"},
                                                      {"falcon_new", "attention and MLP side by side"}};
  for (const auto& [family, what] : more) {
    const std::string model = (kGoldens / "families" / family / "model.gguf").string();
    EXPECT_THAT(error_of_cut(model, mask_of(Model::open(model)->spec(), {{1, 0}})), HasSubstr(what))
        << family;
  }
  const std::string biased = (kGoldens / "families/llama_bias/model.gguf").string();
  EXPECT_THAT(error_of_cut(biased, mask_of(Model::open(biased)->spec(),
                                           {{1, 0}, {1, 1}, {1, 2}, {1, 3}, {1, 4}, {1, 5}})),
              HasSubstr("layer 1 without heads, but its output projection adds a bias"));
  EXPECT_FALSE(fs::exists(out_));
  const HeadMask mask = mask_of(spec, {{1, 0}, {1, 1}});
  EXPECT_THAT(error_of([&] { write_cut_gguf(*Model::open(path), mask, path); }),
              HasSubstr("is the model itself"));
  write_cut_gguf(*Model::open(path), mask, out_);
  const std::shared_ptr<const Model> cut = Model::open(out_);
  EXPECT_THAT(error_of([&] {
                write_cut_gguf(*cut, mask_of(cut->spec(), {{1, 3}}), path);
              }),
              HasSubstr("heads were cut from it already"));
}

// Zeros in a model that is cut already: heads are those of the whole model.
TEST_F(CutGguf, ZerosInACutModel) {
  const std::string path = write({.type = DType::q5_1});
  const ModelSpec spec = Model::open(path)->spec();
  write_cut_gguf(*Model::open(path), mask_of(spec, {{1, 0}, {1, 1}}), out_);
  const std::shared_ptr<const Model> cut = Model::open(out_);
  const std::string zeroed = (folder_.path() / "zeroed.gguf").string();
  const HeadMask mask = mask_of(cut->spec(), {{0, 3}, {1, 5}});
  write_zeroed(*cut, mask, zeroed);
  expect_zeroed(out_, zeroed, mask);
}

}  // namespace
}  // namespace idleheads::test
