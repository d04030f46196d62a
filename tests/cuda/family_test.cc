// The CUDA backend in emulation: every family's golden in float32, and the same bits however rows come
// together.
#include <gtest/gtest.h>

#include "cuda/cuda_backend.h"
#include "engine/family_bits.h"
#include "engine/family_golden.h"

namespace idleheads {
namespace {

// An emulated device with few rows a product, so that rows are cut everywhere.
std::unique_ptr<Backend> emulated(const Model& model, ThreadPool& pool, const EngineOptions& wanted) {
  DeviceOptions options;
  options.precision = wanted.precision;
  options.rows = wanted.rows;
  options.stream = wanted.stream_weights;
  options.chunk = 7;
  return cuda::make_cuda_backend(weights_of(model), pool, options);
}

class CudaFamily : public testing::TestWithParam<std::string> {
 protected:
  std::filesystem::path folder() const { return test::family_folder() / GetParam(); }
};

TEST_P(CudaFamily, Golden) {
  test::Golden(folder()).expect_equal(folder(), test::context_of(GetParam()), emulated);
}

// A family for each kind of layer: the others add no kernel.
class CudaBits : public CudaFamily {
 protected:
  std::shared_ptr<const Model> model() const {
    return Model::open(folder().string(), test::context_of(GetParam()));
  }
};

TEST_P(CudaBits, OfSamples) { test::expect_bits_of_samples(model(), Precision::f32, emulated); }
TEST_P(CudaBits, OfSamplesInBf16) { test::expect_bits_of_samples(model(), Precision::bf16, emulated); }
TEST_P(CudaBits, OfGeneration) { test::expect_bits_of_generation(model(), Precision::f32, emulated); }

INSTANTIATE_TEST_SUITE_P(Some, CudaBits,
                         testing::Values("gpt_oss", "gemma2", "phi3_longrope", "qwen3_moe", "olmo3", "gpt2",
                                         "cohere_qk"),
                         [](const auto& test) { return test.param; });

INSTANTIATE_TEST_SUITE_P(All, CudaFamily, testing::ValuesIn(test::family_names()),
                         [](const auto& test) { return test.param; });

}  // namespace
}  // namespace idleheads
