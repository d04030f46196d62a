// gpt-oss as it is published: experts in MXFP4. The folder and the GGUF file hold the same numbers, and what
// does not fit is refused by name.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <functional>

#include "base/mapped_file.h"
#include "format/json.h"
#include "format/safetensors.h"
#include "format/safetensors_writer.h"
#include "model/model.h"
#include "support/errors.h"
#include "support/temp_folder.h"

namespace idleheads {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

const fs::path kFolder = fs::path(IDLEHEADS_TEST_DATA) / "golden/families/gpt_oss_mxfp4";
const std::string kExperts = "model.layers.1.mlp.experts.";

void expect_equal(const AlignedBuffer<float>& a, const AlignedBuffer<float>& b, const std::string& what) {
  ASSERT_EQ(a.size(), b.size()) << what;
  for (int64_t i = 0; i < a.size(); ++i) ASSERT_EQ(a[i], b[i]) << what << " " << i;
}

TEST(Mxfp4Model, GgufHoldsTheFoldersNumbers) {
  const auto folder = Model::open(kFolder.string()), gguf = Model::open((kFolder / "model.gguf").string());
  const ModelSpec& spec = folder->spec();
  for (int l = 0; l < spec.layer_count(); ++l) {
    for (int e = 0; e < spec.layers[0].mlp.experts; ++e) {
      for (const LayerMatrix which : {LayerMatrix::up, LayerMatrix::down}) {
        const std::string place = fmt::format("layer {} expert {} ", l, e);
        expect_equal(folder->weights().expert_matrix(which, l, e), gguf->weights().expert_matrix(which, l, e),
                     place + "matrix");
        expect_equal(folder->weights().expert_bias(which, l, e), gguf->weights().expert_bias(which, l, e),
                     place + "bias");
      }
    }
  }
}

using Tensors = std::vector<Tensor>;

// The folder with another config.json and other tensors.
class Mxfp4Folder : public testing::Test {
 protected:
  std::string open_with(const Json& changes, const std::function<void(Tensors&)>& change) {
    Json config = parse_json(read_text_file(kFolder / "config.json"), "config.json");
    for (const auto& [key, value] : changes.items()) config[key] = value;
    std::ofstream(folder_.path() / "config.json") << dump_json(config);
    const MappedFile file(kFolder / "model.safetensors");
    Tensors tensors = parse_safetensors(file.bytes(), "model.safetensors").tensors;
    change(tensors);
    test::SafetensorsWriter writer;
    for (const Tensor& tensor : tensors)
      writer.add(tensor.name, tensor.dtype, tensor.shape, test::Bytes().bytes(tensor.data));
    const std::vector<std::byte> bytes = writer.bytes();
    std::ofstream(folder_.path() / "model.safetensors", std::ios::binary)
        .write(reinterpret_cast<const char*>(bytes.data()), std::ssize(bytes));
    return test::error_of([&] { Model::open(folder_.path().string()); });
  }
  std::string with_config(const Json& changes) {
    return open_with(changes, [](Tensors&) {});
  }
  std::string with_quantization(const Json& config) { return with_config({{"quantization_config", config}}); }

  // With one tensor of the experts changed.
  std::string with_tensor(const std::string& name, const std::function<void(Tensor&)>& change) {
    return open_with(Json::object(), [&](Tensors& tensors) {
      change(*std::ranges::find(tensors, kExperts + name, &Tensor::name));
    });
  }

 private:
  const test::TempFolder folder_;
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
  EXPECT_THAT(with_tensor("down_proj_scales", [](Tensor& t) { t.name = "other"; }),
              HasSubstr("tensor " + kExperts + "down_proj_scales is missing"));
  EXPECT_THAT(with_tensor("gate_up_proj_blocks", [](Tensor& t) { t.name = kExperts + "gate_up_proj"; }),
              HasSubstr("tensor " + kExperts + "gate_up_proj_blocks is missing"));
  EXPECT_THAT(with_tensor("gate_up_proj_blocks",
                          [](Tensor& t) {
                            t.shape = {4, 64, 32};
                          }),
              HasSubstr("gate_up_proj_blocks has shape [4, 64, 32], expected [4, 64, 2, 16]"));
  EXPECT_THAT(with_tensor("gate_up_proj_scales",
                          [](Tensor& t) {
                            t.shape = {4, 2, 64};
                          }),
              HasSubstr("gate_up_proj_scales has shape [4, 2, 64], expected [4, 64, 2]"));
  const std::vector<std::byte> floats(4 * 64 * 4);
  EXPECT_THAT(with_tensor("down_proj_scales",
                          [&](Tensor& t) {
                            t.dtype = DType::f32;
                            t.data = floats;
                          }),
              HasSubstr("down_proj_scales has type F32, expected U8, as MXFP4 is stored"));
  EXPECT_THAT(with_tensor("down_proj_bias",
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
