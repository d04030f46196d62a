// Norms of queries and keys with weights of each head: the folder and the GGUF file hold the same numbers, in
// the order of the rows that they are for, and what does not fit is refused by name.
#include <fmt/format.h>

#include "model/changed_golden.h"
#include "model/weights.h"

namespace idleheads {
namespace {

using testing::HasSubstr;

TEST(QkNorm, GgufHoldsTheFoldersNumbers) {
  for (const std::string family : {"cohere_qk", "stablelm_qk"}) {
    const auto path = test::golden_family(family);
    const auto folder = Model::open(path.string()), gguf = Model::open((path / "model.gguf").string());
    EXPECT_EQ(folder->spec().layers, gguf->spec().layers) << family;
    for (int l = 0; l < folder->spec().layer_count(); ++l) {
      const LayerVectors a = folder->weights().vectors(l), b = gguf->weights().vectors(l);
      EXPECT_EQ(a.query_norm.weight.size(), 40);
      EXPECT_EQ(a.key_norm.weight.size(), 20);
      test::expect_equal(a.query_norm.weight, b.query_norm.weight, fmt::format("{} queries {}", family, l));
      test::expect_equal(a.key_norm.weight, b.key_norm.weight, fmt::format("{} keys {}", family, l));
    }
  }
}

// Where neighbours turn together, elements 2i and 2i + 1 of a head become i and half + i: its weights too.
TEST(QkNorm, WeightsMoveWithTheirRows) {
  const auto path = test::golden_family("cohere_qk");
  const auto model = Model::open(path.string());
  const MappedFile file(path / "model.safetensors");
  const std::vector<Tensor> tensors = parse_safetensors(file.bytes(), "model.safetensors").tensors;
  const auto values = [&](const std::string& name) {
    const Tensor& tensor = *std::ranges::find(tensors, "model.layers.1.self_attn." + name, &Tensor::name);
    std::vector<float> out(static_cast<size_t>(tensor.elements()));
    dequantize(tensor.dtype, tensor.data, out);
    return out;
  };
  const std::vector<float> norm = values("q_norm.weight"), rows = values("q_proj.weight");
  const LayerVectors vectors = model->weights().vectors(1);
  const AlignedBuffer<float> qkv = model->weights().matrix(LayerMatrix::qkv, 1);
  for (int64_t row = 0; row < 40; ++row) {
    const int64_t in_head = row % 10, source = row - in_head + in_head % 5 * 2 + in_head / 5;
    EXPECT_EQ(vectors.query_norm.weight[row], norm[static_cast<size_t>(source)]) << row;
    EXPECT_EQ(qkv[row * 40], rows[static_cast<size_t>(source * 40)]) << row;
  }
}

struct CohereQk : test::ChangedGolden {
  CohereQk() : ChangedGolden("cohere_qk") {}
};
struct StableLmQk : test::ChangedGolden {
  StableLmQk() : ChangedGolden("stablelm_qk") {}
};
struct PhiQk : test::ChangedGolden {
  PhiQk() : ChangedGolden("phi_qk") {}
};

const std::string kAttention = "model.layers.1.self_attn.";
void rename(Tensor& tensor) { tensor.name = "other"; }

TEST_F(CohereQk, TensorsFitOrAreNamed) {
  EXPECT_EQ(with_config(Json::object()), "no error");
  EXPECT_THAT(with_config({{"use_qk_norm", false}}),
              HasSubstr("tensor model.layers.0.self_attn.k_norm.weight is not part of a cohere model"));
  EXPECT_THAT(with_config({{"use_qk_norm", 1}}), HasSubstr("use_qk_norm is 1, expected true or false"));
  EXPECT_THAT(with_tensor(kAttention + "k_norm.weight", rename), HasSubstr("k_norm.weight is missing"));
  EXPECT_THAT(with_tensor(kAttention + "q_norm.weight", [](Tensor& t) { t.shape = {40}; }),
              HasSubstr("q_norm.weight has shape [40], expected [4, 10]"));
}

TEST_F(StableLmQk, TensorsFitOrAreNamed) {
  EXPECT_EQ(with_config(Json::object()), "no error");
  EXPECT_THAT(with_config({{"qk_layernorm", false}}),
              HasSubstr("k_layernorm.norms.0.weight is not part of a stablelm model"));
  EXPECT_THAT(with_tensor(kAttention + "q_layernorm.norms.3.weight", rename),
              HasSubstr("q_layernorm.norms.3.weight is missing"));
  EXPECT_THAT(with_tensor(kAttention + "k_layernorm.norms.1.weight",
                          [](Tensor& t) {
                            t.shape = {1, 10};
                          }),
              HasSubstr("k_layernorm.norms.1.weight has shape [1, 10], expected [10]"));
}

TEST_F(PhiQk, TensorsFitOrAreNamed) {
  EXPECT_EQ(with_config(Json::object()), "no error");
  EXPECT_THAT(with_config({{"qk_layernorm", false}}),
              HasSubstr("k_layernorm.bias is not part of a phi model"));
  EXPECT_THAT(with_tensor(kAttention + "k_layernorm.bias", rename), HasSubstr("k_layernorm.bias is missing"));
  EXPECT_THAT(with_tensor(kAttention + "q_layernorm.weight",
                          [](Tensor& t) {
                            t.shape = {2, 5};
                          }),
              HasSubstr("q_layernorm.weight has shape [2, 5], expected [10]"));
}

}  // namespace
}  // namespace idleheads
