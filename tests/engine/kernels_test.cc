// The kernels one by one against plain loops in double.
#include <gtest/gtest.h>

#include <array>
#include <bit>
#include <cmath>
#include <limits>
#include <numeric>

#include "engine/cpu/attention.h"
#include "engine/cpu/linear.h"
#include "engine/cpu/ops.h"
#include "engine/projection_factor.h"
#include "engine/random_values.h"
#include "engine/simd_targets.h"

namespace idleheads {
namespace {

using test::random_values;

using Ops = test::SimdTargets;
INSTANTIATE_TEST_SUITE_P(Simd, Ops, test::every_simd_target(), test::simd_target_name);

TEST_P(Ops, EveryLengthWithItsTail) {
  for (int64_t n = 1; n <= 70; ++n) {
    const std::vector<float> a = random_values(n, 1), b = random_values(n, 2);
    const auto at = [](int64_t i) { return static_cast<size_t>(i); };
    double squares = 0;
    for (const float x : a) squares += double{x} * x;
    EXPECT_NEAR(norm(a.data(), n), std::sqrt(squares), 1e-5 * std::sqrt(squares));
    std::vector<float> normed(a.size()), product(a.size()), sum = b;
    rms_norm(a.data(), b.data(), 1e-5f, normed.data(), n);
    silu_multiply(a.data(), b.data(), product.data(), n);
    add(a.data(), sum.data(), n);
    double exponentials = 0;
    for (const float x : a) exponentials += std::exp(double{x});
    LogSumExp state;
    accumulate(a.data(), n / 2, state);
    accumulate(a.data() + n / 2, n - n / 2, state);
    EXPECT_NEAR(state.maximum + std::log(state.sum), std::log(exponentials), 1e-5);
    for (int64_t i = 0; i < n; ++i) {
      const double x = a[at(i)], y = b[at(i)];
      EXPECT_NEAR(normed[at(i)], x / std::sqrt(squares / static_cast<double>(n) + 1e-5) * y, 1e-5);
      EXPECT_NEAR(product[at(i)], x / (1 + std::exp(-x)) * y, 1e-5);
      EXPECT_EQ(sum[at(i)], a[at(i)] + b[at(i)]);
    }
    EXPECT_TRUE(all_finite(a.data(), n));
    for (const float bad :
         {std::numeric_limits<float>::infinity(), std::numeric_limits<float>::quiet_NaN()}) {
      std::vector<float> broken = a;
      broken[at(n - 1)] = bad;
      EXPECT_FALSE(all_finite(broken.data(), n));
    }
  }
}

// The kernels write `count` values and no more, and all_finite sees every one of them.
TEST_P(Ops, TouchNothingBehindTheEnd) {
  for (int64_t n = 0; n <= 70; ++n) {
    const std::vector<float> a = random_values(n, 3), b = random_values(n, 4);
    const auto size = static_cast<size_t>(n);
    std::vector<float> y(size + 20, -7.0f);
    std::vector<uint16_t> narrow(size + 20, 77);
    rms_norm(a.data(), b.data(), 1e-5f, y.data(), n);
    silu_multiply(a.data(), b.data(), y.data(), n);
    add(a.data(), y.data(), n);
    to_bf16(a.data(), narrow.data(), n);
    for (size_t i = size; i < y.size(); ++i) {
      EXPECT_EQ(y[i], -7.0f) << n;
      EXPECT_EQ(narrow[i], 77) << n;
    }
    for (size_t i = 0; i < size; ++i) {
      EXPECT_NEAR(std::bit_cast<float>(uint32_t{narrow[i]} << 16), a[i], std::abs(a[i]) / 256);
      std::vector<float> broken = a;
      broken[i] = -std::numeric_limits<float>::infinity();
      EXPECT_FALSE(all_finite(broken.data(), n)) << i << " of " << n;
    }
    EXPECT_TRUE(all_finite(a.data(), n));
  }
}

TEST_P(Ops, SiluOfExtremeGates) {
  const std::vector<float> gate = {-1e30f, -200, -100, 0, 100, 1e30f}, up(6, 1.0f);
  std::vector<float> out(6);
  silu_multiply(gate.data(), up.data(), out.data(), 6);
  EXPECT_NEAR(out[0], 0, 1e-6);
  EXPECT_NEAR(out[1], 0, 1e-30);
  EXPECT_EQ(out[3], 0);
  EXPECT_EQ(out[4], 100);
  EXPECT_EQ(out[5], 1e30f);
}

TEST_P(Ops, RopeRotatesPairsOfTheTwoHalves) {
  for (const int64_t dim : {2, 6, 16, 40, 64, 128}) {
    std::vector<float> head = random_values(dim, 3);
    const std::vector<float> before = head, angle = random_values(dim / 2, 4);
    std::vector<float> c, s;
    for (const float a : angle) c.push_back(std::cos(a)), s.push_back(std::sin(a));
    rope(head.data(), c.data(), s.data(), dim);
    for (int64_t i = 0; i < dim / 2; ++i) {
      const auto low = static_cast<size_t>(i), high = static_cast<size_t>(i + dim / 2);
      EXPECT_NEAR(head[low], before[low] * c[low] - before[high] * s[low], 1e-6);
      EXPECT_NEAR(head[high], before[high] * c[low] + before[low] * s[low], 1e-6);
    }
  }
}

TEST_P(Ops, Bf16RoundsToNearestEven) {
  const auto rounded = [](uint32_t bits) {
    const auto x = std::bit_cast<float>(bits);
    uint16_t y = 0;
    to_bf16(&x, &y, 1);
    return y;
  };
  EXPECT_EQ(rounded(0x3f800000), 0x3f80);  // exact
  EXPECT_EQ(rounded(0x3f808000), 0x3f80);  // tie, even below
  EXPECT_EQ(rounded(0x3f818000), 0x3f82);  // tie, even above
  EXPECT_EQ(rounded(0x3f808001), 0x3f81);
  EXPECT_EQ(rounded(0x7f800000), 0x7f80);           // infinity
  EXPECT_EQ(rounded(0x7f7fffff), 0x7f80);           // rounds up to infinity
  EXPECT_EQ(rounded(0x7f800001) & 0x7fc0, 0x7fc0);  // NaN stays NaN
}

class Products : public testing::TestWithParam<Precision> {};

TEST_P(Products, EqualLoopsAndDoNotDependOnThePlaceInTheTile) {
  if (GetParam() == Precision::bf16 && !has_bf16()) GTEST_SKIP() << "no bf16 products on this processor";
  for (const auto& [outputs, inputs] :
       {std::pair<int64_t, int64_t>{1, 1}, {7, 33}, {96, 64}, {130, 200}, {4096, 96}}) {
    const std::vector<float> w = random_values(outputs * inputs, 5), bias = random_values(outputs, 6);
    const Linear linear(w, outputs, inputs, GetParam(), bias);
    std::vector<float> x = random_values(kTileRows * inputs, 7);
    // The same row in every place of the tile, and random ones between.
    for (int64_t r = 0; r < kTileRows; r += 2) std::copy_n(x.begin(), inputs, x.begin() + r * inputs);
    std::vector<float> y(static_cast<size_t>(kTileRows * outputs));
    linear.apply(x.data(), y.data());
    const double tolerance =
        (GetParam() == Precision::bf16 ? 8e-3 : 2e-6) * std::sqrt(static_cast<double>(inputs)) * 3;
    for (int64_t r = 0; r < kTileRows; ++r) {
      for (int64_t o = 0; o < outputs; ++o) {
        double want = bias[static_cast<size_t>(o)];
        for (int64_t i = 0; i < inputs; ++i)
          want += double{w[static_cast<size_t>(o * inputs + i)]} * x[static_cast<size_t>(r * inputs + i)];
        EXPECT_NEAR(y[static_cast<size_t>(r * outputs + o)], want, tolerance) << outputs << " x " << inputs;
        if (r % 2 == 0) {
          EXPECT_EQ(y[static_cast<size_t>(r * outputs + o)], y[static_cast<size_t>(o)]);
        }
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Linear, Products, testing::Values(Precision::f32, Precision::bf16),
                         [](const auto& test) { return test.param == Precision::f32 ? "f32" : "bf16"; });

// |z L| = |W z|, also where W maps some directions to zero.
TEST(ProjectionFactor, KeepsNorms) {
  for (const auto& [rows, dim, rank] :
       {std::array<int64_t, 3>{64, 8, 8}, {96, 64, 64}, {40, 16, 5}, {8, 16, 8}, {30, 6, 0}}) {
    const int64_t stride = dim + 3;
    std::vector<float> w(static_cast<size_t>(rows * stride));
    const std::vector<float> left = random_values(rows * rank, 8), right = random_values(rank * dim, 9);
    for (int64_t r = 0; r < rows; ++r) {
      for (int64_t c = 0; c < dim; ++c) {
        for (int64_t k = 0; k < rank; ++k) {
          w[static_cast<size_t>(r * stride + c)] +=
              left[static_cast<size_t>(r * rank + k)] * right[static_cast<size_t>(k * dim + c)];
        }
      }
    }
    const int64_t padded = padded_head_dim(dim);
    std::vector<float> factor(static_cast<size_t>(dim * padded));
    projection_factor(w.data(), rows, stride, dim, padded_head_dim(dim), factor.data());
    const std::vector<float> z = random_values(dim, 10);
    double direct = 0, through = 0;
    for (int64_t r = 0; r < rows; ++r) {
      double sum = 0;
      for (int64_t c = 0; c < dim; ++c)
        sum += double{w[static_cast<size_t>(r * stride + c)]} * z[static_cast<size_t>(c)];
      direct += sum * sum;
    }
    for (int64_t j = 0; j < padded; ++j) {
      double sum = 0;
      for (int64_t k = 0; k < dim; ++k)
        sum += double{factor[static_cast<size_t>(k * padded + j)]} * z[static_cast<size_t>(k)];
      through += sum * sum;
    }
    EXPECT_NEAR(std::sqrt(through), std::sqrt(direct), 1e-5 * std::sqrt(direct) + 1e-6)
        << rows << " " << dim << " " << rank;
  }
}

}  // namespace
}  // namespace idleheads
