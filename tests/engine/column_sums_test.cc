// ColumnSums against sums over the paths, with more runs than there is memory for at a time.
#include "engine/cpu/column_sums.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>

#include "engine/cpu/attention.h"

namespace idleheads {
namespace {

constexpr int kHeads = 3;

// A prefix, branches of it, and branches of these; so long that two of them take a thread's memory.
std::vector<RowRun> tree() {
  std::vector<RowRun> runs = {{.count = 40'000}};
  for (int i = 0; i < 30; ++i) {
    runs.push_back({.count = 5 + i, .begin = 40'000, .parent = 0});
    runs.push_back({.count = 2, .begin = 40'005 + i, .parent = static_cast<int32_t>(runs.size()) - 1});
  }
  return runs;
}

TEST(ColumnSums, ArePathSums) {
  const std::vector<RowRun> runs = tree();
  ThreadPool pool(2);
  CpuRowCache cache;
  cache.keeps_columns = true;
  cache.columns.resize(kHeads);
  const std::vector<CacheAppend> appends = {{60, true, &cache}};
  ColumnSums sums(pool.threads());
  sums.begin(runs, appends, kHeads);

  std::mt19937 random(3);
  std::vector<std::vector<double>> own(runs.size());  // [heads, end]
  size_t parts = 0;
  for (size_t first = 0, end = 0; first < runs.size(); first = end, ++parts) {
    end = sums.open(first);
    for (size_t r = first; r < end; ++r) {
      const int64_t positions = runs[r].begin + runs[r].count;
      own[r].assign(static_cast<size_t>(kHeads * positions), 0);
      // In pieces, which do not all reach the run's end, heads apart from heads.
      for (const int64_t reach : {positions - 1, positions}) {
        for (const auto& [head, count] : {std::pair{0, 1}, {1, 2}}) {
          const int64_t width = padded_positions(reach);
          std::vector<double> part(static_cast<size_t>(count * width));
          for (int h = 0; h < count; ++h) {
            const auto position = static_cast<int64_t>(random() % static_cast<unsigned>(reach));
            const double weight = static_cast<double>(random() % 1000) * 0x1p-10;
            part[static_cast<size_t>(h * width + position)] = weight;
            own[r][static_cast<size_t>((head + h) * positions + position)] += weight;
          }
          sums.add(r, head, part, width);
        }
      }
    }
    sums.close(first, end, pool);
  }
  EXPECT_GT(parts, 2u);

  for (size_t r = 0; r < runs.size(); ++r) {
    for (int h = 0; h < kHeads; ++h) {
      std::vector<double> want(static_cast<size_t>(runs[r].begin + runs[r].count));
      for (int32_t part = static_cast<int32_t>(r); part >= 0; part = runs[static_cast<size_t>(part)].parent) {
        const std::vector<double>& of_part = own[static_cast<size_t>(part)];
        const size_t positions = of_part.size() / kHeads;
        for (size_t p = 0; p < positions; ++p) want[p] += of_part[static_cast<size_t>(h) * positions + p];
      }
      const auto top = std::ranges::max_element(want);
      const TopWeight& got = sums.tops()[r * kHeads + static_cast<size_t>(h)];
      EXPECT_EQ(got.weight, *top) << r << " " << h;
      EXPECT_EQ(got.position, top - want.begin()) << r << " " << h;
      if (r == 60) {
        EXPECT_EQ(cache.columns[static_cast<size_t>(h)], want);
      }
    }
  }
}

// What a cache has goes on with later rows.
TEST(ColumnSums, ContinueACache) {
  ThreadPool pool(1);
  CpuRowCache cache;
  cache.keeps_columns = true;
  cache.columns = {{0.5, 0.25}, {0, 1}, {0.25, 0}};
  const std::vector<RowRun> runs = {{.count = 1, .begin = 2, .cache = &cache}};
  const std::vector<CacheAppend> appends = {{0, false, &cache}};
  ColumnSums sums(1);
  sums.begin(runs, appends, kHeads);
  ASSERT_EQ(sums.open(0), 1u);
  const int64_t width = padded_positions(3);
  std::vector<double> row(static_cast<size_t>(kHeads * width));
  for (int h = 0; h < kHeads; ++h) row[static_cast<size_t>(h * width + 2)] = 0.75;
  sums.add(0, 0, row, width);
  sums.close(0, 1, pool);
  EXPECT_EQ(cache.columns[0], (std::vector{0.5, 0.25, 0.75}));
  EXPECT_EQ(sums.tops()[0].position, 2);
  EXPECT_EQ(sums.tops()[1].position, 1);
  EXPECT_EQ(sums.tops()[1].weight, 1);
}

}  // namespace
}  // namespace idleheads
