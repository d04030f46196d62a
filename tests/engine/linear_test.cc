// Products of every kind of size: equal to loops in double, and a row's bits are its own.
#include "engine/cpu/linear.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <functional>
#include <limits>
#include <thread>

#include "engine/random_values.h"

namespace idleheads {
namespace {

using test::random_values;

class RowBits : public testing::TestWithParam<Precision> {
 protected:
  void SetUp() override {
    if (GetParam() == Precision::bf16 && !has_bf16()) GTEST_SKIP() << "no bf16 products on this processor";
  }
};

std::vector<float> product(const Linear& linear, const std::vector<float>& x) {
  std::vector<float> y(static_cast<size_t>(kTileRows * linear.outputs()));
  linear.apply(x.data(), y.data());
  return y;
}

// `row` in the places where `in_place` says so, `filler` elsewhere.
template <typename InPlace>
std::vector<float> tile_of(const std::vector<float>& row, const std::vector<float>& filler,
                           InPlace in_place) {
  std::vector<float> tile = filler;
  const auto width = static_cast<int64_t>(row.size());
  for (int64_t r = 0; r < kTileRows; ++r) {
    if (in_place(r)) std::copy(row.begin(), row.end(), tile.begin() + r * width);
  }
  return tile;
}

void expect_own_bits(const Linear& linear, const std::vector<float>& want, const std::vector<float>& x,
                     const std::function<bool(int64_t)>& in_place, const std::string& place) {
  const std::vector<float> y = product(linear, x);
  for (int64_t r = 0; r < kTileRows; ++r) {
    if (!in_place(r)) continue;
    ASSERT_EQ(std::memcmp(y.data() + r * linear.outputs(), want.data(), want.size() * sizeof(float)), 0)
        << place << " in row " << r;
  }
}

// What stands in the other rows may be anything, also numbers that are none (rows behind the last).
TEST_P(RowBits, DependOnNothingElseInTheTile) {
  for (const int64_t inputs : {1, 2, 31, 32, 33, 64, 100, 576, 1000, 1536, 4097}) {
    for (const int64_t outputs : {1, 2, 15, 17, 64, 100, 577}) {
      const bool biased = (inputs + outputs) % 2 == 0;
      const std::vector<float> bias = random_values(biased ? outputs : 0, 3);
      const Linear linear(random_values(outputs * inputs, 1), outputs, inputs, GetParam(), bias);
      const std::vector<float> row = random_values(inputs, 2);
      const std::vector<float> nothing(static_cast<size_t>(kTileRows * inputs), 0.0f);
      const std::vector<float> nan(nothing.size(), std::numeric_limits<float>::quiet_NaN());
      std::vector<float> want = product(linear, tile_of(row, nothing, [](int64_t r) { return r == 0; }));
      want.resize(static_cast<size_t>(outputs));
      const std::string place = fmt::format("{} x {}", outputs, inputs);
      const auto all = [](int64_t) { return true; };
      const auto even = [](int64_t r) { return r % 2 == 0; };
      const auto odd = [](int64_t r) { return r % 2 == 1; };
      const auto last = [](int64_t r) { return r == kTileRows - 1; };
      expect_own_bits(linear, want, tile_of(row, nothing, all), all, place);
      expect_own_bits(linear, want, tile_of(row, random_values(kTileRows * inputs, 4), even), even, place);
      expect_own_bits(linear, want, tile_of(row, nan, odd), odd, place);
      expect_own_bits(linear, want, tile_of(row, nan, last), last, place);
    }
  }
}

// Sums of `inputs` products of normal numbers: of the order of sqrt(inputs); rounded inputs leave 2^-9 of
// each factor in bf16, float32 sums 6e-8 of each partial sum.
TEST_P(RowBits, EqualLoopsInDouble) {
  for (const int64_t inputs : {1, 33, 576, 1500}) {
    for (const int64_t outputs : {1, 17, 100}) {
      const std::vector<float> w = random_values(outputs * inputs, 5), bias = random_values(outputs, 6);
      const std::vector<float> x = random_values(kTileRows * inputs, 7);
      const std::vector<float> y = product(Linear(w, outputs, inputs, GetParam(), bias), x);
      const double tolerance = (GetParam() == Precision::bf16 ? 6e-2 : 1e-5) * std::sqrt(double(inputs));
      for (int64_t r = 0; r < kTileRows; ++r) {
        for (int64_t o = 0; o < outputs; ++o) {
          double want = bias[static_cast<size_t>(o)];
          for (int64_t i = 0; i < inputs; ++i)
            want += double{w[static_cast<size_t>(o * inputs + i)]} * x[static_cast<size_t>(r * inputs + i)];
          ASSERT_NEAR(y[static_cast<size_t>(r * outputs + o)], want, tolerance)
              << outputs << " x " << inputs << " row " << r << " output " << o;
        }
      }
    }
  }
}

// One Linear, several threads at once: each gets what one alone gets.
TEST_P(RowBits, SeveralThreadsAtOnce) {
  const Linear linear(random_values(300 * 200, 8), 300, 200, GetParam());
  const std::vector<float> x = random_values(kTileRows * 200, 9), want = product(linear, x);
  std::vector<std::vector<float>> got(4);
  std::vector<std::thread> threads;
  for (std::vector<float>& y : got) {
    threads.emplace_back([&] {
      for (int i = 0; i < 20; ++i) y = product(linear, x);
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (const std::vector<float>& y : got) EXPECT_EQ(y, want);
}

INSTANTIATE_TEST_SUITE_P(Linear, RowBits, testing::Values(Precision::f32, Precision::bf16),
                         [](const auto& test) { return test.param == Precision::f32 ? "f32" : "bf16"; });

TEST(Linear, SaysHowLargeItIs) {
  const Linear linear(random_values(6, 1), 2, 3, Precision::f32);
  EXPECT_EQ(linear.outputs(), 2);
  EXPECT_EQ(linear.inputs(), 3);
  EXPECT_GE(linear.bytes(), 24);
  EXPECT_EQ(Linear().bytes(), 0);
}

}  // namespace
}  // namespace idleheads
