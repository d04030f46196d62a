// What may go wrong with a device: one clear line each, and memory that runs out costs time alone.
#include <cuda_runtime_api.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cuda/backend.h"
#include "engine/device_module.h"
#include "engine/family_bits.h"
#include "engine/overflow.h"

extern "C" const idleheads::DeviceModule* idleheads_module();

namespace idleheads {
namespace {

using testing::HasSubstr;

class CudaFaults : public testing::Test {
 protected:
  ~CudaFaults() override {
    emulated::machine() = {};
    emulated::device_memory().total = size_t{1} << 40;
  }

  std::string list_failure() {
    return test::error_of([] { idleheads_module()->devices(); });
  }
  std::string make_failure(const DeviceOptions& options) {
    return test::error_of(
        [&] { idleheads_module()->make_backend(weights_of(*model_.get()), pool_, options); });
  }
  // As another process that takes all but this much of what is free.
  static void leave(size_t bytes) {
    emulated::DeviceMemory& memory = emulated::device_memory();
    memory.total = memory.used + bytes;
  }

  test::RandomModel model_{{}};
  ThreadPool pool_{2};
};

TEST_F(CudaFaults, DriversThatAreMissingOrOld) {
  emulated::machine().driver = 0;
  EXPECT_EQ(list_failure(), "CUDA: there is no NVIDIA driver");
  emulated::machine().driver = 12040;
  EXPECT_EQ(list_failure(),
            "CUDA: the NVIDIA driver is for CUDA 12.4, this module of CUDA 13.0 needs a newer one");
}

TEST_F(CudaFaults, AttentionPatternsAreRefused) {
  Engine engine(model_.get(), {.threads = 1}, test::cuda_backend);
  const std::vector<Sample> samples = {test::make_sample({1, 2, 3}, 0)};
  const std::vector<Intervention> none = {std::monostate{}};
  EXPECT_EQ(test::error_of<UsageError>([&] {
              engine.run(samples, none, {.attention = {{0, 0}}});
            }),
            "attention patterns: only the processor keeps them; give --device cpu");
}

TEST_F(CudaFaults, DevicesThatCannotBeUsed) {
  EXPECT_THAT(make_failure({.device = 1}),
              HasSubstr("--device cuda:1: there is no such device; there are 1"));
  emulated::machine().major = 7;
  EXPECT_EQ(idleheads_module()->devices().front().reason, "compute capability 7.0; expected 8.0 or newer");
  emulated::machine().busy = true;
  EXPECT_THAT(make_failure({}), HasSubstr("busy or unavailable"));
  emulated::machine().devices = 0;
  EXPECT_TRUE(idleheads_module()->devices().empty());
}

TEST_F(CudaFaults, MemoryThatIsTooLittleForAProduct) {
  leave(100'000'000);
  EXPECT_THAT(make_failure({}), HasSubstr("expected 8192 at least; raise --gpu-memory, or use --device cpu"));
}

TEST_F(CudaFaults, MemoryThatIsTooLittleForASample) {
  Engine engine(model_.get(), {.threads = 1, .precision = Precision::f32}, test::cuda_backend);
  const Sample sample = test::make_sample({1, 2, 3}, 0);
  const std::vector<Intervention> none = {std::monostate{}};
  leave(2'000);
  EXPECT_THAT(test::error_of([&] { engine.run(std::span(&sample, 1), none); }),
              HasSubstr("the device is out of memory (memory); give it more (--gpu-memory)"));
  leave(100'000'000);
  EXPECT_EQ(engine.run(std::span(&sample, 1), none).size(), 1u);
}

TEST_F(CudaFaults, NumbersThatAreNoneAreNamedWhereTheyHappen) {
  test::expect_overflow_is_named(test::cuda_backend);
}

// Between what the smallest part of a run takes and what the whole takes.
constexpr size_t kTooLittle = 500'000;

TEST_F(CudaFaults, RunsGoOnWithFewerRowsWhereMemoryRunsOut) {
  const std::vector<Sample> samples = test::samples_for(model_.get()->spec());
  const std::vector<Intervention> interventions = test::bits_rules();
  Engine rich(model_.get(), {.threads = 2, .precision = Precision::f32}, test::cuda_backend);
  Engine poor(model_.get(), {.threads = 2, .precision = Precision::f32}, test::cuda_backend);
  const std::vector<PathResult> want = rich.run(samples, interventions, {.stats = true});
  const int64_t rows = poor.rows();
  leave(kTooLittle);
  std::vector<int> finished(want.size());
  double share = 0;
  RunOptions options = {.stats = true};
  options.on_finished = [&](std::span<const int64_t> paths, std::span<PathResult>) {
    for (const int64_t path : paths) ++finished[static_cast<size_t>(path)];
  };
  options.on_layer = [&](double done) { share = done; };
  const std::vector<PathResult> got = poor.run(samples, interventions, options);
  EXPECT_LT(poor.rows(), rows);
  EXPECT_EQ(finished, std::vector<int>(want.size(), 1));
  EXPECT_EQ(share, 1);
  for (size_t i = 0; i < want.size(); ++i) test::expect_same_bits(want[i], got[i], fmt::format("path {}", i));
}

TEST_F(CudaFaults, GenerationGoesOnWithFewerSequencesWhereMemoryRunsOut) {
  std::vector<Prompt> prompts;
  for (const Sample& sample : test::samples_for(model_.get()->spec()))
    prompts.push_back({sample.id, sample.tokens});
  const std::vector<Intervention> interventions = test::bits_rules();
  GenerateOptions options;
  options.max_new_tokens = 6;
  options.stats = true;
  Engine rich(model_.get(), {.threads = 2, .precision = Precision::f32}, test::cuda_backend);
  Engine poor(model_.get(), {.threads = 2, .precision = Precision::f32}, test::cuda_backend);
  const std::vector<GenerateResult> want = rich.generate(prompts, interventions, options);
  const int64_t rows = poor.rows();
  leave(kTooLittle);
  const std::vector<GenerateResult> got = poor.generate(prompts, interventions, options);
  EXPECT_LT(poor.rows(), rows);
  EXPECT_EQ(poor.work().rows_unshared, rich.work().rows_unshared);
  for (size_t i = 0; i < want.size(); ++i) {
    EXPECT_EQ(got[i].tokens, want[i].tokens) << i;
    EXPECT_EQ(got[i].masks, want[i].masks) << i;
    EXPECT_TRUE(test::same_bits(got[i].stats.values, want[i].stats.values)) << i;
  }
}

}  // namespace
}  // namespace idleheads
