#include "prune/mask_file.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>

#include "engine/head_grid.h"
#include "model/checkpoint.h"
#include "support/errors.h"
#include "support/temp_folder.h"

namespace idleheads::test {
namespace {

using testing::HasSubstr;

class MaskFiles : public testing::Test {
 protected:
  MaskFile read(const std::string& text) {
    folder_.write("mask.json", text);
    return read_mask_file(folder_.path() / "mask.json");
  }
  std::string error(const std::string& text) {
    return error_of([&] { read(text); });
  }
  std::string text_of(const std::string& heads, const std::string& more = "") {
    return R"({"format": "idleheads mask 1", "heads": )" + heads + more + "}";
  }

  const TempFolder folder_;
};

TEST_F(MaskFiles, HeadsAlone) {
  const MaskFile mask = read(R"({"5": [3, 0, 3], "0": [1], "11": []})");
  EXPECT_EQ(mask.heads, (FixedHeads{{{0, 1}, {5, 0}, {5, 3}}}));
  EXPECT_FALSE(mask.model);
}

TEST_F(MaskFiles, ReadsWhatItWrites) {
  MaskFile mask;
  mask.heads = {{{0, 1}, {5, 0}, {5, 3}, {10, 2}}};
  mask.model = {.name = "org/\"name\"", .fingerprint = "ab12", .layers = 11, .heads = 4, .kv_heads = 2};
  mask.provenance["rule"] = "ahon_ln<0.52";
  const std::string text = mask_text(mask);
  const MaskFile again = read(text);
  EXPECT_EQ(again.heads, mask.heads);
  EXPECT_EQ(again.model->name, "org/\"name\"");
  EXPECT_EQ(again.model->fingerprint, "ab12");
  EXPECT_EQ(again.model->kv_heads, 2);
  EXPECT_THAT(text, HasSubstr("\n    \"5\": [0, 3],\n    \"10\": [2]\n"));
  EXPECT_THAT(text, HasSubstr("\"rule\": \"ahon_ln<0.52\""));
  EXPECT_EQ(read(mask_text({})).heads.heads.size(), 0u);
}

TEST_F(MaskFiles, MeansReadBackAsTheSameFloats) {
  const std::shared_ptr<const Model> model =
      Model::open(std::string(IDLEHEADS_TEST_DATA) + "/golden/tiny/llama");
  std::mt19937 random(5);
  std::normal_distribution<float> normal;
  HeadMeans means(head_shape(model->spec()), head_dim(model->spec()));
  for (float& value : means.values())
    value = normal(random) * std::ldexp(1.0f, static_cast<int>(random() % 60) - 40);
  MaskFile mask;
  mask.heads = {{{0, 1}, {2, 0}, {2, 3}}};
  EXPECT_FALSE(means_for(read(mask_text(mask)), model->spec(), "m.json")) << "zeros";
  set_means(means, mask);
  const MaskFile again = read(mask_text(mask));
  EXPECT_EQ(again.means, mask.means);
  const std::optional<HeadMeans> read_means = means_for(again, model->spec(), "m.json");
  ASSERT_TRUE(read_means);
  for (const HeadId id : mask.heads.heads)
    EXPECT_TRUE(std::ranges::equal(read_means->of(id), means.of(id))) << to_string(id);
  EXPECT_THAT(read_means->of({0, 0}), testing::Each(0.0f)) << "is on";
}

TEST_F(MaskFiles, MeansThatAreRefused) {
  const auto of = [&](const std::string& means) {
    return error(text_of(R"({"1": [0, 2]})", R"(, "means": )" + means));
  };
  EXPECT_EQ(of(R"({"1": {"0": [1, 2], "2": [3, -4e-3]}})"), "no error");
  EXPECT_THAT(of("5"),
              HasSubstr("mask.json: means: head L1H0 is off and has none; expected {\"1\": {\"0\":"));
  EXPECT_THAT(of(R"({"1": [0, 1]})"), HasSubstr("head L1H0 is off and has none"));
  EXPECT_THAT(of(R"({"1": {"0": [1, 2]}})"), HasSubstr("head L1H2 is off and has none"));
  EXPECT_THAT(of(R"({"1": {"0": [1, 2], "2": [3, 4, 5]}})"),
              HasSubstr("means: head L1H2 has 3 numbers, head L1H0 2"));
  EXPECT_THAT(of(R"({"1": {"0": [1, 2], "2": [3, 4], "3": [5, 6]}})"),
              HasSubstr("means: of 3 heads, while 2 are off"));
  for (const char* numbers : {"[]", "5", "[1, null]", "[1, \"2\"]", "[1, 1e39]", "{\"a\": 1}"})
    EXPECT_THAT(of(fmt::format(R"({{"1": {{"0": {}, "2": [3, 4]}}}})", numbers)),
                HasSubstr("means of head L1H0: expected a list of numbers"))
        << numbers;
  const std::shared_ptr<const Model> model =
      Model::open(std::string(IDLEHEADS_TEST_DATA) + "/golden/tiny/llama");
  const MaskFile small = read(text_of(R"({"1": [0]})", R"(, "means": {"1": {"0": [1, 2, 3]}})"));
  EXPECT_THAT(error_of([&] { means_for(small, model->spec(), "m.json"); }),
              HasSubstr("m.json: means: head L1H0 has 3 numbers; heads of this model have"));
}

TEST_F(MaskFiles, WhatIsRefused) {
  EXPECT_THAT(error("[1]"), HasSubstr("mask.json: expected an object of layers with lists of heads"));
  EXPECT_THAT(error(R"({"five": [1]})"), HasSubstr("'five' is not the number of a layer"));
  EXPECT_THAT(error(R"({"-1": [1]})"), HasSubstr("'-1' is not the number of a layer"));
  EXPECT_THAT(error(R"({"5": 1})"), HasSubstr("layer '5': expected a list of head numbers"));
  EXPECT_THAT(error(R"({"5": [1.5]})"), HasSubstr("layer '5': expected a list of head numbers"));
  EXPECT_THAT(error(R"({"5": [-1]})"), HasSubstr("layer '5': expected a list of head numbers"));
  EXPECT_THAT(error(R"({"5": [99999999999]})"), HasSubstr("layer '5'"));
  EXPECT_THAT(error(R"({"format": "idleheads mask 2", "heads": {}})"),
              HasSubstr("written by a newer idleheads"));
  EXPECT_THAT(error(R"({"format": 7, "heads": {}})"), HasSubstr("its format is not 'idleheads mask 1'"));
  EXPECT_THAT(error(R"({"format": "idleheads mask 1"})"), HasSubstr("heads is missing"));
  EXPECT_THAT(error(text_of("{}", R"(, "model": 5)")), HasSubstr("model is no object"));
  EXPECT_THAT(error(text_of("{}", R"(, "model": {"name": "x", "fingerprint": 5})")),
              HasSubstr("model.fingerprint is missing, or of another type"));
}

TEST_F(MaskFiles, OfAnotherModel) {
  const std::shared_ptr<const Model> model =
      Model::open(std::string(IDLEHEADS_TEST_DATA) + "/golden/tiny/llama");
  const auto error_with = [&](const MaskFile& mask) {
    return error_of([&] {
      mask_for(mask, model->spec(), "m.json");
      require_made_for(mask, *model, "m.json");
    });
  };
  MaskFile mask;
  mask.heads = {{{3, 7}}};
  EXPECT_EQ(error_with(mask), "no error");
  EXPECT_TRUE(mask_for(mask, model->spec(), "m.json").off(3, 7));
  mask.model = {.name = "other", .fingerprint = "ab", .layers = 4, .heads = 8, .kv_heads = 2};
  EXPECT_THAT(error_with(mask), HasSubstr("m.json: made for other with other weights than this model's"));
  mask.model->fingerprint = model->checkpoint().fingerprint();
  EXPECT_EQ(error_with(mask), "no error");
  mask.model->layers = 5;
  EXPECT_THAT(error_with(mask),
              HasSubstr("made for other, of 5 layers with 8 heads; this model has 4 layers"));
  mask.model.reset();
  for (const HeadId id : {HeadId{4, 0}, HeadId{0, 8}}) {
    mask.heads = {{id}};
    EXPECT_THAT(error_with(mask),
                HasSubstr("head " + to_string(id) + " does not exist: the model has layers 0 to 3"));
  }
}

}  // namespace
}  // namespace idleheads::test
