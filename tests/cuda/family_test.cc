// The CUDA backend, in emulation or on a device: every family's golden in float32, and the same bits however
// rows come together.
#include <gtest/gtest.h>

#include <optional>

#include "cuda/backend.h"
#include "engine/family_bits.h"
#include "engine/family_golden.h"
#include "engine/means.h"

namespace idleheads {
namespace {

class CudaFamily : public testing::TestWithParam<std::string> {
 protected:
  std::filesystem::path folder() const { return test::family_folder() / GetParam(); }
};

TEST_P(CudaFamily, Golden) {
  test::Golden(folder()).expect_equal(folder(), test::context_of(GetParam()), test::cuda_backend, {true});
}

// A family for each kind of layer: the others add no kernel.
class CudaBits : public CudaFamily {
 protected:
  std::shared_ptr<const Model> model() const {
    return Model::open(folder().string(), test::context_of(GetParam()));
  }
};

TEST_P(CudaBits, OfSamples) { test::expect_bits_of_samples(model(), Precision::f32, test::cuda_backend); }
TEST_P(CudaBits, OfGeneration) {
  test::expect_bits_of_generation(model(), Precision::f32, test::cuda_backend);
}
TEST_P(CudaBits, MeansOfTheReference) { test::expect_means_of_reference(model(), test::cuda_backend); }

INSTANTIATE_TEST_SUITE_P(Some, CudaBits, testing::Values("gpt_oss", "phi3_longrope", "qwen3_moe", "olmo3"),
                         [](const auto& test) { return test.param; });

TEST(CudaBf16, SamplesHaveTheSameBitsInThePlainKernel) {
  const std::shared_ptr<const Model> model = Model::open((test::family_folder() / "gemma2").string());
  test::expect_bits_of_samples(model, Precision::bf16, test::cuda_backend);
}

// The goldens' heads are too narrow for the tensor cores.
std::shared_ptr<const Model> model_for_mma(std::optional<test::RandomModel>& memory) {
  reference::RandomSpec spec;
  spec.family = "qwen2";
  spec.heads = 6;
  spec.head_dim = 16;
  return memory.emplace(spec).get();
}

TEST(CudaMma, SamplesHaveTheSameBits) {
  std::optional<test::RandomModel> memory;
  test::expect_bits_of_samples(model_for_mma(memory), Precision::bf16, test::cuda_backend);
}

TEST(CudaMma, WrittenAnswersHaveTheSameBits) {
  std::optional<test::RandomModel> memory;
  test::expect_bits_of_generation(model_for_mma(memory), Precision::bf16, test::cuda_backend);
}

TEST(CudaMma, MeansHaveTheSameBits) {
  std::optional<test::RandomModel> memory;
  test::expect_bits_of_means(model_for_mma(memory), Precision::bf16, test::cuda_backend);
}

// bf16 has 8 bits: a few thousandths of a number, some times over in a small model.
TEST(CudaMma, IsNearFloat32) {
  std::optional<test::RandomModel> memory;
  const std::shared_ptr<const Model> model = model_for_mma(memory);
  const std::vector<Sample> samples = test::samples_for(model->spec());
  const std::vector<Intervention> none = {std::monostate{}};
  Engine exact(model, {.threads = 1, .precision = Precision::f32}, test::cuda_backend);
  Engine rounded(model, {.threads = 1, .precision = Precision::bf16}, test::cuda_backend);
  const std::vector<PathResult> want = exact.run(samples, none, {.stats = true}),
                                got = rounded.run(samples, none, {.stats = true});
  for (size_t s = 0; s < samples.size(); ++s) {
    for (size_t i = 0; i < want[s].stats.values.size(); ++i) {
      for (int k = 0; k < kStats; ++k) {
        if (static_cast<Stat>(k) == Stat::top_position) continue;
        const float number = want[s].stats.values[i][static_cast<size_t>(k)];
        EXPECT_NEAR(got[s].stats.values[i][static_cast<size_t>(k)], number, 0.03 * std::max(0.1f, number))
            << stat_name(static_cast<Stat>(k));
      }
    }
    for (size_t t = 0; t < want[s].log_probs.size(); ++t)
      EXPECT_NEAR(got[s].log_probs[t], want[s].log_probs[t], 0.1);
  }
}

INSTANTIATE_TEST_SUITE_P(All, CudaFamily, testing::ValuesIn(test::family_names()),
                         [](const auto& test) { return test.param; });

}  // namespace
}  // namespace idleheads
