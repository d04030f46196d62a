// The device's attention against a naive reference, and its bits under all that must not matter.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <ostream>
#include <stdexcept>
#include <string>

#include "cuda/attention_case.h"

namespace idleheads::cuda {

void PrintTo(const Case& c, std::ostream* out) {
  *out << "head_dim " << c.dim << " heads " << c.heads << "/" << c.kv_heads << " window " << c.window
       << " cap " << c.cap << " scale " << c.scale << (c.sinks ? " sinks" : "")
       << (c.columns ? " columns" : "") << (c.stats ? "" : " no stats");
}

namespace {

const char* name_of(Kernel kernel) {
  return kernel == Kernel::mma ? "mma" : kernel == Kernel::simple_bf16 ? "simple, bf16" : "simple, f32";
}

// Runs of 1 to 131 rows, three levels and more, keys in the batch and in a cache.
Tree large_tree() {
  return Tree(
      {{-1, 20, false, true}, {0, 45}, {1, 1}, {1, 131, true, true}, {3, 7, true, true}, {1, 17}, {5, 3}});
}
// A third of it, for large heads and for many cases.
Tree small_tree() {
  return Tree({{-1, 9, false, true}, {0, 40, true, true}, {1, 1}, {1, 33}, {3, 5, true, true}});
}
Tree tree_for(const Case& c) { return c.dim * c.heads > 400 ? small_tree() : large_tree(); }

std::vector<Kernel> kernels_for(const Case& c) {
  std::vector<Kernel> kernels = {Kernel::simple_f32, Kernel::simple_bf16};
  if (has_mma_attention(c.dim)) kernels.push_back(Kernel::mma);
  return kernels;
}

// Limits for numbers in float32, and for outputs and factors in bf16.
void expect_close(const Differences& d, Kernel kernel) {
  const bool f32 = kernel == Kernel::simple_f32, mma = kernel == Kernel::mma;
  EXPECT_LT(d.z, f32 ? 3e-6 : mma ? 6e-3 : 3e-3);
  EXPECT_LT(d.first_weight, 1e-6);
  EXPECT_LT(d.entropy, 4e-6);
  EXPECT_LT(d.output_norm, mma ? 5e-3 : 3e-6);
  EXPECT_LT(d.projected_norm, mma ? 6e-3 : 1e-5);
  EXPECT_LT(d.sink_weight, 1e-6);
  EXPECT_LT(d.columns, 3e-6);
}

void expect_right(const Tree& tree, const Case& c) {
  const Outcome expected = reference(tree, c);
  for (const Kernel kernel : kernels_for(c)) {
    SCOPED_TRACE(name_of(kernel));
    const Outcome got = attend(tree, c, kernel);
    EXPECT_EQ(got.bad, 0);
    expect_close(differences(got, expected), kernel);
  }
}

// Sums that are no multiples of 2^-32: in other orders they could be others.
int columns_off_the_grid(const Outcome& outcome) {
  int count = 0;
  for (const auto& [row, sums] : outcome.columns) {
    for (const double sum : sums) count += std::ldexp(sum, 32) != std::rint(std::ldexp(sum, 32));
  }
  return count;
}

class AttentionOnDevice : public testing::TestWithParam<Case> {};

TEST_P(AttentionOnDevice, AgreesWithReference) { expect_right(tree_for(GetParam()), GetParam()); }

INSTANTIATE_TEST_SUITE_P(
    Cases, AttentionOnDevice,
    testing::Values(
        Case{.heads = 3, .kv_heads = 1, .dim = 10, .window = 31, .columns = true},
        Case{.heads = 4, .kv_heads = 4, .dim = 12, .cap = 2, .sinks = true, .columns = true},
        Case{.heads = 5, .kv_heads = 1, .dim = 16, .window = 31, .sinks = true, .columns = true},
        Case{.heads = 7, .kv_heads = 1, .dim = 32, .window = 8, .cap = 2, .columns = true},
        Case{.heads = 4, .kv_heads = 2, .dim = 64, .sinks = true, .columns = true},
        Case{.heads = 3, .kv_heads = 1, .dim = 64, .window = 65},
        Case{.heads = 4, .kv_heads = 1, .dim = 80, .window = 64, .cap = 30, .columns = true},
        Case{.heads = 2, .kv_heads = 2, .dim = 96, .window = 1000, .sinks = true},
        Case{.heads = 8, .kv_heads = 1, .dim = 128, .columns = true},
        Case{
            .heads = 4, .kv_heads = 2, .dim = 256, .window = 31, .cap = 50, .sinks = true, .columns = true}));

TEST(Attention, AnyWindow) {
  for (const int window : {1, 2, 8, 31, 32, 33, 63, 64, 65, 100, 1 << 30}) {
    const Case c = {.heads = 2, .dim = 16, .window = window, .columns = true};
    SCOPED_TRACE(testing::PrintToString(c));
    expect_right(small_tree(), c);
  }
}

// The largest score is the smallest product where the scale is below zero.
TEST(Attention, AnyScale) {
  for (const float scale : {-0.4f, 1.7f, 1e-7f}) {
    for (const float cap : {0.0f, 1.5f}) {
      const Case c = {.heads = 2, .dim = 16, .window = 20, .cap = cap, .columns = true, .scale = scale};
      SCOPED_TRACE(testing::PrintToString(c));
      expect_right(small_tree(), c);
    }
  }
}

TEST(Attention, AllSizesOfTheTensorCores) {
  const Tree tree({{-1, 3, false, true}, {0, 34}, {1, 2}});
  for (int dim = 16; dim <= 256; dim += 16) {
    if (has_mma_attention(dim)) expect_right(tree, {.heads = 2, .dim = dim, .window = 30, .columns = true});
  }
}

// Sinks that have all the weight, and none: nothing overflows.
TEST(Attention, SinksFarFromTheScores) {
  const Case none = {.heads = 3, .dim = 32}, all = {.heads = 3, .dim = 32, .sinks = true, .sink_shift = 200};
  const Case low = {.heads = 3, .dim = 32, .sinks = true, .sink_shift = -300};
  for (const Kernel kernel : kernels_for(none)) {
    SCOPED_TRACE(name_of(kernel));
    EXPECT_EQ(rows_that_differ(attend(small_tree(), none, kernel), attend(small_tree(), low, kernel)), 0);
    const Outcome got = attend(small_tree(), all, kernel);
    EXPECT_EQ(got.bad, 0);
    for (const auto& [row, stats] : got.stats) {
      for (const HeadRow& s : stats) {
        EXPECT_EQ(s.sink_weight, 1);
        EXPECT_EQ(s.entropy + s.first_weight + s.output_norm + s.projected_norm, 0);
      }
    }
  }
}

TEST(Attention, SameBitsHoweverTheTreeIsCut) {
  for (const Case& c : {Case{.heads = 3, .dim = 12, .window = 31, .cap = 2, .columns = true},
                        Case{.heads = 3, .dim = 16, .columns = true},
                        Case{.heads = 3, .dim = 32, .window = 31, .sinks = true, .columns = true},
                        Case{.heads = 2, .dim = 64, .window = 65, .cap = 5, .columns = true},
                        Case{.heads = 4, .kv_heads = 2, .dim = 128, .sinks = true, .columns = true},
                        Case{.heads = 2, .dim = 256, .window = 40, .columns = true}}) {
    const Tree tree = tree_for(c);
    for (const Kernel kernel : kernels_for(c)) {
      SCOPED_TRACE(testing::PrintToString(c) + " " + name_of(kernel));
      const Outcome whole = attend(tree, c, kernel);
      EXPECT_EQ(columns_off_the_grid(whole), 0);
      for (const std::vector<int>& lengths : {std::vector{1, 63, 5, 16, 17}, {64, 2}, {30}}) {
        const Tree cut = tree.cut(lengths);
        const Outcome pieces = attend(cut, c, kernel);
        EXPECT_EQ(rows_that_differ(whole, pieces), 0);
        EXPECT_EQ(columns_that_differ(tree, whole, cut, pieces), 0);
      }
    }
  }
}

TEST(Attention, SameBitsInAnyOrder) {
  for (const Case& c : {Case{.heads = 3, .dim = 12, .columns = true},
                        Case{.heads = 3, .dim = 16, .window = 31, .columns = true},
                        Case{.heads = 2, .dim = 64, .sinks = true, .columns = true},
                        Case{.heads = 3, .dim = 128, .columns = true},
                        Case{.heads = 2, .dim = 192, .window = 20, .columns = true}}) {
    for (const Kernel kernel : kernels_for(c)) {
      SCOPED_TRACE(testing::PrintToString(c) + " " + name_of(kernel));
      const Outcome expected = attend(small_tree(), c, kernel);
      for (uint64_t seed = 1; seed <= 6; ++seed) {
        const Outcome got = attend(small_tree(), c, kernel, {seed, seed % 2 == 0, seed, {}});
        EXPECT_EQ(rows_that_differ(expected, got), 0);
        EXPECT_EQ(columns_that_differ(small_tree(), expected, small_tree(), got), 0);
      }
    }
  }
}

// What is asked for does not change the rest.
TEST(Attention, StatisticsAndColumnsAreOptional) {
  for (const Kernel kernel : kernels_for({})) {
    const Outcome all = attend(small_tree(), {.columns = true}, kernel);
    const Outcome none = attend(small_tree(), {.stats = false}, kernel);
    EXPECT_EQ(rows_that_differ(all, attend(small_tree(), {}, kernel)), 0);
    EXPECT_EQ(rows_that_differ(all, none), 0);
    EXPECT_TRUE(none.stats.empty());
  }
}

TEST(Attention, ReportsWhatIsNoNumber) {
  constexpr float kNan = std::numeric_limits<float>::quiet_NaN(),
                  kInfinity = std::numeric_limits<float>::infinity();
  for (const Case& c :
       {Case{.heads = 4, .kv_heads = 2, .dim = 16}, Case{.heads = 4, .kv_heads = 2, .dim = 80, .cap = 9},
        Case{.heads = 4, .kv_heads = 2, .dim = 32, .stats = false}}) {
    const int keys = c.heads * c.dim, values = keys + c.kv_heads * c.dim;
    const Tree tree({{-1, 5, false, true}, {0, 40}, {1, 3}});
    for (const Kernel kernel : kernels_for(c)) {
      SCOPED_TRACE(testing::PrintToString(c) + " " + name_of(kernel));
      const auto bad = [&](int row, int element, float value) {
        return attend(tree, c, kernel, {.fault = {row, element, value}}).bad;
      };
      // Heads count from 1; of several the last one is reported.
      EXPECT_EQ(bad(30, 2 * c.dim + 3, kNan), 1 + 2);
      EXPECT_EQ(bad(44, 0, kNan), 1 + 0);
      EXPECT_EQ(bad(30, keys + c.dim - 1, kNan), 1 + 1);
      EXPECT_EQ(bad(2, keys + c.dim, kNan), 1 + 3);
      EXPECT_EQ(bad(46, values + 1, kNan), 1 + 1);
      EXPECT_EQ(bad(3, values + c.dim, kInfinity), 1 + 3);
      EXPECT_EQ(bad(3, values + c.dim, 1.0f), 0);
      // A score of minus infinity shows in the entropy alone.
      const float query = inputs(c, 47)[static_cast<size_t>(3 * c.dim)];
      const float far = query > 0 ? -kInfinity : kInfinity;
      EXPECT_EQ(bad(47, keys + c.dim, far), c.cap > 0 ? 0 : 1 + 3);
    }
  }
}

TEST(Attention, RefusesWhatTensorCoresCannotDo) {
  EXPECT_FALSE(has_mma_attention(0));
  EXPECT_FALSE(has_mma_attention(40));
  EXPECT_FALSE(has_mma_attention(288));
  EXPECT_TRUE(has_mma_attention(112));
  EXPECT_THROW((void)mma_shared_bytes(24), std::invalid_argument);
  EXPECT_LE(mma_shared_bytes(256), size_t{99} << 10);
  AttendArguments a;
  a.head_dim = 24;
  EXPECT_THROW(attend_mma(a, 1, {}), std::invalid_argument);
  a.head_dim = 16;
  a.width = 20;
  EXPECT_THROW(attend_mma(a, 1, {}), std::invalid_argument);

  alignas(16) const Bf16 rows[8] = {};
  EXPECT_TRUE(lies_for_mma({rows, 24, 8, 1}));
  EXPECT_FALSE(lies_for_mma({rows + 1, 24, 8, 1}));
  EXPECT_FALSE(lies_for_mma({rows, 20, 8, 1}));
  EXPECT_FALSE(lies_for_mma({rows, 24, 12, 1}));
}

TEST(Attention, CountsParts) {
  EXPECT_EQ(mma_parts_of(1, 1, 64), 1);
  EXPECT_EQ(mma_parts_of(32, 8, 128), 2);
  EXPECT_EQ(mma_parts_of(33, 8, 128), 4);
  EXPECT_EQ(mma_parts_of(33, 8, 256), 6);
  EXPECT_EQ(mma_parts_of(100, 3, 64), 3);
}

}  // namespace
}  // namespace idleheads::cuda
