// The bound on memory: what stays resident, what is streamed, how many rows are left.
#include "engine/cpu/memory_plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/cpu/packed_model.h"
#include "idleheads/base/error.h"

namespace idleheads {
namespace {

// Sizes of a 1.5-billion-parameter model.
ModelSpec large() {
  LayerSpec layer;
  layer.attention.heads = 12;
  layer.attention.kv_heads = 2;
  layer.attention.head_dim = 128;
  layer.mlp.width = 8960;
  ModelSpec spec;
  spec.hidden = 1536;
  spec.vocabulary = 151936;
  spec.layers.assign(28, layer);
  return spec;
}

MemoryPlan plan(int64_t memory, int64_t rows = 0, bool stream = false) {
  return plan_memory(large(), {Precision::bf16, 2, memory, 0, rows, stream});
}

constexpr int64_t kGiB = int64_t{1} << 30;

TEST(MemoryPlan, WithoutABoundEverythingIsResident) {
  EXPECT_FALSE(plan(0).stream);
  EXPECT_GT(plan(0).limits.rows, int64_t{1} << 32);
  EXPECT_TRUE(plan(0, 0, true).stream);
}

TEST(MemoryPlan, StreamsWhenWeightsLeaveNoRoom) {
  EXPECT_FALSE(plan(16 * kGiB).stream);
  EXPECT_TRUE(plan(2 * kGiB).stream);
}

TEST(MemoryPlan, StaysWithinTheBound) {
  for (const int64_t memory : {kGiB, 2 * kGiB, 3 * kGiB, 4 * kGiB, 5 * kGiB, 8 * kGiB, 64 * kGiB}) {
    const MemoryPlan p = plan(memory);
    const WeightSizes weights = weight_sizes(large(), Precision::bf16);
    const int64_t used = (p.stream ? weights.streamed : weights.all) + p.limits.rows * row_bytes(large()) +
                         p.limits.waiting * large().hidden * 4;
    EXPECT_LE(used, memory);
    EXPECT_GT(used, memory * 9 / 10);
  }
}

TEST(MemoryPlan, TooLittleNamesTheSmallestBound) {
  try {
    plan(100 << 20);
    FAIL() << "expected an error";
  } catch (const UsageError& error) {
    const std::string message = error.what();
    const size_t at = message.find("at least ");
    ASSERT_NE(at, std::string::npos) << message;
    EXPECT_GE(plan(std::stoll(message.substr(at + 9)) << 20).limits.rows, 4096);
  }
}

TEST(MemoryPlan, RowsAreTheSmallerBound) {
  EXPECT_EQ(plan(0, 77).limits.rows, 77);
  EXPECT_EQ(plan(16 * kGiB, 77).limits.rows, 77);
  EXPECT_EQ(plan(16 * kGiB, int64_t{1} << 50).limits.rows, plan(16 * kGiB).limits.rows);
}

}  // namespace
}  // namespace idleheads
