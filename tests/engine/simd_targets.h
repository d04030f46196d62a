// Runs a test with every instruction set that the processor has and the kernels are compiled for.
#pragma once

#include <gtest/gtest.h>
#include <hwy/highway.h>

#include <string>

#include "engine/cpu/ops.h"

namespace idleheads::test {

class SimdTargets : public testing::TestWithParam<int64_t> {
 protected:
  void SetUp() override {
    choose(GetParam());
    ASSERT_EQ(simd_target(), hwy::TargetName(GetParam()));
  }
  void TearDown() override { choose(0); }

 private:
  // 0: back to the best one.
  static void choose(int64_t target) {
    hwy::SetSupportedTargetsForTest(target);
    hwy::GetChosenTarget().Update(hwy::SupportedTargets());
  }
};

inline auto every_simd_target() { return testing::ValuesIn(hwy::SupportedAndGeneratedTargets()); }

inline std::string simd_target_name(const testing::TestParamInfo<int64_t>& info) {
  return hwy::TargetName(info.param);
}

}  // namespace idleheads::test
