// The CUDA backend, in emulation or on a device: layers with their own numbers of heads, or none.
#include "cuda/backend.h"
#include "engine/cut_models.h"
#include "engine/means.h"

namespace idleheads {
namespace {

class CudaCutModel : public testing::TestWithParam<const char*> {
 protected:
  std::shared_ptr<const Model> model() const { return test::cut_model(GetParam()); }
};

TEST_P(CudaCutModel, EqualsTheZeroedOneOnTheProcessor) {
  test::expect_equals_zeroed(GetParam(), {.threads = 2, .precision = Precision::f32}, test::cuda_backend);
}

// Memory of a layer is used again for the next but one.
TEST_P(CudaCutModel, EqualsTheZeroedOneStreamedWithFewRows) {
  test::expect_equals_zeroed(GetParam(),
                             {.threads = 2, .precision = Precision::f32, .rows = 40, .stream_weights = true},
                             test::cuda_backend);
}

TEST_P(CudaCutModel, SameBitsOfSamples) {
  test::expect_bits_of_samples(model(), Precision::f32, test::cuda_backend);
}

TEST_P(CudaCutModel, SameBitsOfWrittenAnswers) {
  test::expect_bits_of_generation(model(), Precision::f32, test::cuda_backend);
}

TEST_P(CudaCutModel, MeansOfTheReference) { test::expect_means_of_reference(model(), test::cuda_backend); }

TEST_P(CudaCutModel, SameBitsOfMeans) {
  test::expect_bits_of_means(model(), Precision::f32, test::cuda_backend);
}

TEST_P(CudaCutModel, SameBitsInBf16) {
  test::expect_bits_of_samples(model(), Precision::bf16, test::cuda_backend);
}

INSTANTIATE_TEST_SUITE_P(All, CudaCutModel, testing::Values("no_attention", "biases"),
                         [](const auto& test) { return test.param; });

}  // namespace
}  // namespace idleheads
