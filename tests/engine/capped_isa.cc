// IDLEHEADS_TEST_SIMD=AVX2 runs the engine's tests as on a machine that has no more (with ONEDNN_MAX_CPU_ISA
// for oneDNN).
#include <gtest/gtest.h>
#include <hwy/highway.h>

#include <cstdlib>
#include <cstring>

#include "engine/cpu/linear.h"
#include "engine/cpu/ops.h"

namespace idleheads {
namespace {

class CappedSimd : public testing::Environment {
 public:
  void SetUp() override {
    const char* name = std::getenv("IDLEHEADS_TEST_SIMD");
    if (name == nullptr) return;
    for (const int64_t target : hwy::SupportedAndGeneratedTargets()) {
      if (std::strcmp(hwy::TargetName(target), name) == 0) hwy::SetSupportedTargetsForTest(target);
    }
    hwy::GetChosenTarget().Update(hwy::SupportedTargets());
    ASSERT_EQ(simd_target(), name);
    ASSERT_FALSE(has_bf16()) << "ONEDNN_MAX_CPU_ISA must be set as well";
  }
};

const auto* const kRegistered = testing::AddGlobalTestEnvironment(new CappedSimd);

}  // namespace
}  // namespace idleheads
