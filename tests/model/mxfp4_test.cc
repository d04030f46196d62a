// gpt-oss as it is published: experts in MXFP4. The folder and the GGUF file hold the same numbers, and what
// does not fit is refused by name.
#include <fmt/format.h>

#include "model/changed_golden.h"
#include "model/weights.h"

namespace idleheads {
namespace {

using testing::HasSubstr;

const std::string kExperts = "model.layers.1.mlp.experts.";

TEST(Mxfp4Model, GgufHoldsTheFoldersNumbers) {
  const auto path = test::golden_family("gpt_oss_mxfp4");
  const auto folder = Model::open(path.string()), gguf = Model::open((path / "model.gguf").string());
  const WeightReader &a = folder->weights(), &b = gguf->weights();
  for (int l = 0; l < folder->spec().layer_count(); ++l) {
    for (int e = 0; e < folder->spec().layers[0].mlp.experts; ++e) {
      for (const LayerMatrix which : {LayerMatrix::up, LayerMatrix::down}) {
        const std::string place = fmt::format("layer {} expert {}", l, e);
        test::expect_equal(a.expert_matrix(which, l, e), b.expert_matrix(which, l, e), place);
        test::expect_equal(a.expert_bias(which, l, e), b.expert_bias(which, l, e), place + " bias");
      }
    }
  }
}

class Mxfp4Folder : public test::ChangedGolden {
 protected:
  Mxfp4Folder() : ChangedGolden("gpt_oss_mxfp4") {}
  std::string with_quantization(const Json& config) const {
    return with_config({{"quantization_config", config}});
  }
  std::string with_experts(const std::string& name, const std::function<void(Tensor&)>& change) const {
    return with_tensor(kExperts + name, change);
  }
};

TEST_F(Mxfp4Folder, QuantizationIsMxfp4OrNamed) {
  EXPECT_EQ(with_config(Json::object()), "no error");
  EXPECT_EQ(with_quantization({{"quant_method", "mxfp4"}, {"dequantize", false}}), "no error");
  EXPECT_THAT(with_quantization({{"quant_method", "gptq"}, {"bits", 4}}),
              HasSubstr("config.json: quantization_config: quant_method is \"gptq\", expected \"mxfp4\""));
  EXPECT_THAT(with_quantization({{"quant_method", 4}}), HasSubstr("quant_method is 4, expected a string"));
  EXPECT_THAT(with_quantization(Json::object()), HasSubstr("quantization_config: quant_method is missing"));
  EXPECT_THAT(with_quantization("mxfp4"), HasSubstr("quantization_config is \"mxfp4\", expected an object"));
  EXPECT_THAT(with_quantization({{"quant_method", "mxfp4"}, {"block_size", 16}}),
              HasSubstr("key 'block_size' is not understood"));
  EXPECT_THAT(with_quantization({{"quant_method", "mxfp4"}, {"modules_to_not_convert", "lm_head"}}),
              HasSubstr("modules_to_not_convert is \"lm_head\", expected a list of strings"));
}

TEST_F(Mxfp4Folder, SizesAreWholeBlocks) {
  EXPECT_THAT(with_config({{"hidden_size", 48}}),
              HasSubstr("hidden_size is 48, expected a multiple of 32, the size of MXFP4's blocks"));
  EXPECT_THAT(with_config({{"intermediate_size", 16}}),
              HasSubstr("intermediate_size is 16, expected a mult"));
}

TEST_F(Mxfp4Folder, TensorsFitOrAreNamed) {
  EXPECT_THAT(with_experts("down_proj_scales", [](Tensor& t) { t.name = "other"; }),
              HasSubstr("tensor " + kExperts + "down_proj_scales is missing"));
  EXPECT_THAT(with_experts("gate_up_proj_blocks", [](Tensor& t) { t.name = kExperts + "gate_up_proj"; }),
              HasSubstr("tensor " + kExperts + "gate_up_proj_blocks is missing"));
  EXPECT_THAT(with_experts("gate_up_proj_blocks",
                           [](Tensor& t) {
                             t.shape = {4, 64, 32};
                           }),
              HasSubstr("gate_up_proj_blocks has shape [4, 64, 32], expected [4, 64, 2, 16]"));
  EXPECT_THAT(with_experts("gate_up_proj_scales",
                           [](Tensor& t) {
                             t.shape = {4, 2, 64};
                           }),
              HasSubstr("gate_up_proj_scales has shape [4, 2, 64], expected [4, 64, 2]"));
  const std::vector<std::byte> floats(4 * 64 * 4);
  EXPECT_THAT(with_experts("down_proj_scales",
                           [&](Tensor& t) {
                             t.dtype = DType::f32;
                             t.data = floats;
                           }),
              HasSubstr("down_proj_scales has type F32, expected U8, as MXFP4 is stored"));
  EXPECT_THAT(with_experts("down_proj_bias",
                           [&](Tensor& t) {
                             t.dtype = DType::u8;
                             t.data = t.data.first(t.data.size() / 2);
                           }),
              HasSubstr("down_proj_bias has type U8, expected F32, F16 or BF16"));
}

// The file alone does not say it: transformers goes by config.json.
TEST_F(Mxfp4Folder, WithoutQuantizationTheFloatsAreMissing) {
  EXPECT_THAT(with_quantization(nullptr), HasSubstr("experts.gate_up_proj is missing"));
}

}  // namespace
}  // namespace idleheads
