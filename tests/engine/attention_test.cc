// attend() against the definition, over runs of keys that lie in different places.
#include "engine/cpu/attention.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <random>

#include "engine/cpu/linear.h"
#include "engine/simd_targets.h"

namespace idleheads {
namespace {

// Rows of one group: heads query heads, a key, a value; stride wider than needed.
struct Problem {
  bool bf16 = false;  // of the products
  int64_t window = 0;
  float soft_cap = 0;
  std::vector<float> sinks;  // [heads], or none
  int heads, dim;
  int64_t positions, stride;
  std::vector<float> rows;     // [positions, stride]
  std::vector<float> factors;  // [heads, dim, padded]

  Problem(int head_count, int head_dim, int64_t length, unsigned seed, float spread = 1)
      : heads(head_count), dim(head_dim), positions(length), stride((head_count + 2) * head_dim + 3) {
    std::mt19937 random(seed);
    std::normal_distribution<float> normal(0, spread);
    rows.resize(static_cast<size_t>(positions * stride));
    for (float& x : rows) x = normal(random);
    const int64_t padded = padded_head_dim(dim);
    factors.assign(static_cast<size_t>(heads * dim * padded), 0);
    for (int64_t k = 0; k < heads * dim; ++k) {
      for (int64_t j = 0; j <= k % dim; ++j) factors[static_cast<size_t>(k * padded + j)] = normal(random);
    }
  }
  const float* query(int64_t t, int h) const { return rows.data() + t * stride + h * dim; }
  const float* key(int64_t t) const { return query(t, heads); }
  const float* value(int64_t t) const { return query(t, heads + 1); }
};

struct Answer {
  std::vector<float> z;         // [positions, heads, dim]
  std::vector<RowStats> stats;  // [positions, heads]
  std::vector<double> columns;  // [heads, positions]
  bool operator==(const Answer& other) const {
    return std::memcmp(z.data(), other.z.data(), z.size() * sizeof(float)) == 0 &&
           std::memcmp(stats.data(), other.stats.data(), stats.size() * sizeof(RowStats)) == 0 &&
           columns == other.columns;
  }
};

// Attends to all positions, `step` queries a task; the keys lie in runs of `run` positions, in separate
// memory.
Answer attend_in_pieces(const Problem& p, int64_t step, int64_t run) {
  std::vector<std::vector<float>> memory;
  std::vector<KeyRun> runs;
  for (int64_t first = 0; first < p.positions; first += run) {
    const int64_t count = std::min(run, p.positions - first);
    // Exactly the floats that may be read, so that a sanitizer sees a read behind the last value.
    memory.emplace_back(p.key(first), p.value(first + count - 1) + p.dim);
    runs.push_back({memory.back().data(), memory.back().data() + p.dim, count});
  }
  Answer answer;
  answer.stats.resize(static_cast<size_t>(p.positions * p.heads));
  answer.columns.resize(static_cast<size_t>(p.positions * p.heads));
  AttentionScratch scratch;
  for (int64_t first = 0; first < p.positions; first += step) {
    const int64_t count = std::min(step, p.positions - first);
    std::vector<float> queries(p.query(first, 0), p.rows.data() + (first + count) * p.stride);
    AttentionTask task;
    task.keys = runs;
    task.stride = p.stride;
    task.queries = queries.data();
    task.first = first;
    task.count = count;
    task.heads = p.heads;
    task.head_dim = p.dim;
    task.scale = 1.0f / std::sqrt(static_cast<float>(p.dim));
    task.window = p.window;
    task.soft_cap = p.soft_cap;
    if (!p.sinks.empty()) task.sinks = p.sinks.data();
    task.factors = p.factors.data();
    task.bf16 = p.bf16;
    task.stats = answer.stats.data() + first * p.heads;
    task.stats_stride = p.heads;
    const int64_t width = padded_positions(first + count);
    std::vector<double> columns(static_cast<size_t>(p.heads * width));
    task.columns = columns.data();
    attend(task, scratch);
    for (int64_t i = 0; i < p.heads * width; ++i) {
      const int64_t position = i % width;
      if (position < p.positions)
        answer.columns[static_cast<size_t>(i / width * p.positions + position)] +=
            columns[static_cast<size_t>(i)];
    }
    for (int64_t t = 0; t < count; ++t) {
      const float* row = queries.data() + t * p.stride;
      answer.z.insert(answer.z.end(), row, row + p.heads * p.dim);
      // What lies behind the heads' outputs is not touched.
      EXPECT_EQ(std::memcmp(row + p.heads * p.dim, p.key(first + t), sizeof(float)), 0);
    }
  }
  return answer;
}

struct NaiveRow {
  std::vector<double> z;
  std::vector<double> weights;
  double first_weight = 0, entropy = 0, output_norm = 0, projected_norm = 0, sink_weight = 1;
};

NaiveRow naive(const Problem& p, int64_t t, int h) {
  const int64_t first = p.window > 0 ? std::max<int64_t>(0, t + 1 - p.window) : 0;
  std::vector<double> weights(static_cast<size_t>(first), -std::numeric_limits<double>::infinity());
  const double sink =
      p.sinks.empty() ? -std::numeric_limits<double>::infinity() : double{p.sinks[static_cast<size_t>(h)]};
  double top = sink;
  for (int64_t k = first; k <= t; ++k) {
    double dot = 0;
    for (int i = 0; i < p.dim; ++i) dot += double{p.query(t, h)[i]} * p.key(k)[i];
    weights.push_back(dot / std::sqrt(static_cast<double>(p.dim)));
    if (p.soft_cap > 0) weights.back() = p.soft_cap * std::tanh(weights.back() / p.soft_cap);
    top = std::max(top, weights.back());
  }
  double sum = std::exp(sink - top);
  for (double& w : weights) sum += w = std::exp(w - top);
  NaiveRow row;
  row.z.resize(static_cast<size_t>(p.dim));
  for (int64_t k = 0; k <= t; ++k) {
    const double a = weights[static_cast<size_t>(k)] / sum;
    row.weights.push_back(a);
    row.sink_weight -= a;
    if (a > 0) row.entropy -= a * std::log(a);
    for (int i = 0; i < p.dim; ++i) row.z[static_cast<size_t>(i)] += a * p.value(k)[i];
  }
  row.first_weight = weights[0] / sum;
  const int64_t padded = padded_head_dim(p.dim);
  for (const double x : row.z) row.output_norm += x * x;
  for (int64_t j = 0; j < padded; ++j) {
    double column = 0;
    for (int64_t k = 0; k < p.dim; ++k)
      column += row.z[static_cast<size_t>(k)] *
                p.factors[static_cast<size_t>((int64_t{h} * p.dim + k) * padded + j)];
    row.projected_norm += column * column;
  }
  row.output_norm = std::sqrt(row.output_norm);
  row.projected_norm = std::sqrt(row.projected_norm);
  return row;
}

// `tolerance` is relative to numbers of the order of `spread`; that of z, and of what follows from it, may be
// another.
void expect_naive(const Problem& p, const Answer& got, double tolerance, double z_tolerance) {
  std::vector<double> columns(got.columns.size());
  for (int64_t t = 0; t < p.positions; ++t) {
    for (int h = 0; h < p.heads; ++h) {
      const NaiveRow want = naive(p, t, h);
      const std::string place = fmt::format("{} heads of {}, position {} head {}", p.heads, p.dim, t, h);
      const RowStats& stats = got.stats[static_cast<size_t>(t * p.heads + h)];
      for (size_t k = 0; k < want.weights.size(); ++k)
        columns[static_cast<size_t>(h * p.positions) + k] += want.weights[k];
      EXPECT_NEAR(stats.first_weight, want.first_weight, tolerance) << place;
      EXPECT_NEAR(stats.sink_weight, want.sink_weight, tolerance) << place;
      EXPECT_NEAR(stats.entropy, want.entropy, 5 * tolerance) << place;
      EXPECT_NEAR(stats.output_norm, want.output_norm, z_tolerance * (1 + want.output_norm)) << place;
      EXPECT_NEAR(stats.projected_norm, want.projected_norm, z_tolerance * (1 + want.projected_norm))
          << place;
      for (int i = 0; i < p.dim; ++i) {
        EXPECT_NEAR(got.z[static_cast<size_t>((t * p.heads + h) * p.dim + i)], want.z[static_cast<size_t>(i)],
                    z_tolerance * (1 + want.output_norm))
            << place;
      }
    }
  }
  for (size_t i = 0; i < columns.size(); ++i)
    EXPECT_NEAR(got.columns[i], columns[i], tolerance * static_cast<double>(p.positions)) << i;
}

void expect_naive(const Problem& p, const Answer& got, double tolerance) {
  expect_naive(p, got, tolerance, tolerance);
}

using Attention = test::SimdTargets;
INSTANTIATE_TEST_SUITE_P(Simd, Attention, test::every_simd_target(), test::simd_target_name);

TEST_P(Attention, EqualsTheDefinition) {
  for (const int dim : {2, 6, 10, 16, 20, 32, 40, 64, 80, 128}) {
    for (const int64_t positions : {1, 2, 7, 8, 9, 33, 70}) {
      const Problem p(1 + dim % 7, dim, positions, static_cast<unsigned>(dim + positions));
      expect_naive(p, attend_in_pieces(p, positions, 13), 1e-5);
    }
  }
}

// Rows that bf16 holds exactly, and a scale that is a power of two: scores are those of float32, and only the
// weights are rounded, by 2^-9 at most.
TEST_P(Attention, Bf16EqualsTheDefinition) {
  if (!has_bf16()) GTEST_SKIP() << "the processor multiplies no bf16";
  for (const int dim : {4, 16, 64, 256}) {
    for (const int64_t positions : {1, 2, 7, 8, 9, 33, 70}) {
      Problem p(1 + dim % 7, dim, positions, static_cast<unsigned>(dim + positions));
      for (float& x : p.rows) x = std::bit_cast<float>(std::bit_cast<uint32_t>(x) & 0xffff0000);
      p.bf16 = true;
      // The norms of z: of values of norm sqrt(dim), weights sum to 1.
      expect_naive(p, attend_in_pieces(p, positions, 13), 1e-5, std::sqrt(dim) / 512);
    }
  }
}

// What some families have: a window, capped scores, a sink in the denominator; also together.
TEST_P(Attention, WindowsCapsAndSinks) {
  for (const int64_t window : {0, 1, 2, 8, 31, 32, 33, 64, 1000}) {
    for (const int features : {0, 1, 2, 3}) {
      for (const int dim : {10, 64}) {
        Problem p(3, dim, 150, static_cast<unsigned>(dim + window));
        p.window = window;
        if ((features & 1) != 0) p.soft_cap = 1.5f;
        if ((features & 2) != 0) p.sinks = {0.5f, -30, 3};
        const Answer whole = attend_in_pieces(p, 150, 13);
        expect_naive(p, whole, 1e-5);
        EXPECT_TRUE(attend_in_pieces(p, 7, 150) == whole) << window << " " << features;
      }
    }
  }
}

// A row's bits are those of a window that begins before the sample.
TEST_P(Attention, AWindowThatSeesEverythingChangesNoBit) {
  for (const bool bf16 : {false, true}) {
    Problem p(3, 64, 141, 9);
    p.bf16 = bf16 && has_bf16();
    const Answer want = attend_in_pieces(p, 141, 141);
    p.window = 141;
    EXPECT_TRUE(attend_in_pieces(p, 141, 141) == want);
    p.window = 140;
    EXPECT_FALSE(attend_in_pieces(p, 141, 141) == want);
  }
}

// Neither the runs of keys, nor the tasks, nor the neighbours in a block of queries change a bit.
TEST_P(Attention, PiecesDoNotMatter) {
  for (const int dim : {6, 64, 80, -80}) {
    Problem p(3, std::abs(dim), 141, static_cast<unsigned>(std::abs(dim)));
    p.bf16 = dim < 0 && has_bf16();
    for (const int64_t window : {0, 40}) {
      p.window = window;
      const Answer want = attend_in_pieces(p, 141, 141);
      for (const auto& [step, run] :
           {std::pair<int64_t, int64_t>{1, 141}, {141, 1}, {3, 5}, {8, 64}, {65, 32}, {100, 100}}) {
        EXPECT_TRUE(attend_in_pieces(p, step, run) == want) << step << " queries, runs of " << run;
      }
    }
  }
}

// Scores of the order of thousands: one weight is 1, the others underflow to exact zeros.
TEST_P(Attention, SaturatedSoftmaxIsExact) {
  const Problem p(2, 16, 40, 5, 100);
  const Answer got = attend_in_pieces(p, 40, 40);
  for (const RowStats& row : got.stats) {
    EXPECT_TRUE(std::isfinite(row.entropy) && row.entropy >= 0);
    EXPECT_GE(row.first_weight, 0);
    EXPECT_LE(row.first_weight, 1);
  }
  // Errors of a score (6e-8 of some 1e4, twice) are relative errors of the weights.
  expect_naive(p, got, 1e-2);
}

// A query or key that is no number must show in its row, not vanish in the softmax.
TEST_P(Attention, NaNAndInfinityShow) {
  for (const float bad : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
    for (const int64_t position : {0, 5, 39}) {
      for (const int column : {3, 2 * 16 + 3}) {  // of the first head's query, of the key
        Problem p(2, 16, 40, 7);
        p.rows[static_cast<size_t>(position * p.stride + column)] = bad;
        const RowStats row = attend_in_pieces(p, 40, 40).stats[static_cast<size_t>(position * p.heads)];
        EXPECT_FALSE(std::isfinite(row.entropy + row.output_norm)) << bad << " " << position << " " << column;
      }
    }
  }
}

TEST_P(Attention, OneKeyHasWeightOneAndNoEntropy) {
  const Problem p(4, 10, 1, 6);
  for (const RowStats& row : attend_in_pieces(p, 1, 1).stats) {
    EXPECT_EQ(row.first_weight, 1);
    EXPECT_EQ(row.entropy, 0);
  }
}

}  // namespace
}  // namespace idleheads
