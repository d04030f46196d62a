// Branching over random masks: two paths share a row exactly where tokens and mask histories are the same.
#include "engine/row_batch.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <set>

#include "engine/engine_fixture.h"

namespace idleheads {
namespace {

using Mask = std::vector<uint8_t>;

// The numbers a row stands for: the tokens up to its own and the masks of all layers so far.
struct RowMeaning {
  std::vector<int32_t> tokens;
  std::vector<Mask> history;
  auto operator<=>(const RowMeaning&) const = default;
};

RowBatch batch_of(std::span<const Sample> samples, int64_t interventions, bool sharing) {
  const std::vector<PathSpec> paths = all_paths(std::ssize(samples), interventions);
  const std::vector<int64_t> usual(samples.size());
  if (sharing) return {build_token_tree(samples, usual), paths};
  return RowBatch::separate(separate_paths(samples, usual, paths), paths);
}

class Walk {
 public:
  Walk(std::vector<Sample> samples, int64_t interventions, bool sharing)
      : samples_(std::move(samples)), batch_(batch_of(samples_, interventions, sharing)) {
    history_.resize(batch_.paths().size());
  }

  // One layer: random masks, few different ones, and what branch() makes of them.
  void layer(std::mt19937& random, unsigned different) {
    std::vector<Mask> masks;
    std::vector<uint8_t> flat;
    for (size_t p = 0; p < batch_.paths().size(); ++p) {
      const auto bits = static_cast<unsigned>(random() % different);
      masks.push_back({static_cast<uint8_t>(bits & 1), static_cast<uint8_t>(bits >> 1 & 1)});
      flat.insert(flat.end(), masks.back().begin(), masks.back().end());
    }
    const RowBatch before = batch_;
    const Branching branching = batch_.branch(flat, 2, pool_);
    batch_.advance(branching);
    ASSERT_EQ(branching.rows.size(), static_cast<size_t>(batch_.rows()));
    for (size_t p = 0; p < masks.size(); ++p) {
      history_[p].push_back(masks[p]);
      for (int64_t t = 0; t < length(batch_.paths()[p]); ++t) {
        const RowSource& source = branching.rows[static_cast<size_t>(batch_.row_of(batch_.paths()[p], t))];
        EXPECT_EQ(source.row, before.row_of(before.paths()[p], t));
        EXPECT_TRUE(std::ranges::equal(branching.masks[source.mask], masks[p]));
      }
    }
  }

  // Rows and meanings correspond one to one: nothing is computed twice, nothing is confused.
  void expect_minimal() const {
    std::map<RowMeaning, int64_t> rows;
    std::set<int64_t> used;
    int64_t unshared = 0;
    for (size_t p = 0; p < batch_.paths().size(); ++p) {
      const Path& path = batch_.paths()[p];
      const std::vector<int32_t>& tokens = samples_[static_cast<size_t>(path.sample)].tokens;
      unshared += length(path);
      for (int64_t t = 0; t < length(path); ++t) {
        const int64_t row = batch_.row_of(path, t);
        const RowMeaning meaning = {{tokens.begin(), tokens.begin() + t + 1}, history_[p]};
        EXPECT_EQ(rows.try_emplace(meaning, row).first->second, row);
        used.insert(row);
      }
    }
    EXPECT_EQ(used.size(), rows.size());
    EXPECT_EQ(static_cast<int64_t>(rows.size()), batch_.rows());
    EXPECT_EQ(*used.rbegin(), batch_.rows() - 1);
    EXPECT_EQ(unshared, batch_.rows_unshared());
  }

  // Without sharing each path has rows of its own.
  void expect_separate() const {
    EXPECT_EQ(batch_.rows(), batch_.rows_unshared());
    std::set<int64_t> used;
    for (const Path& path : batch_.paths()) {
      for (int64_t t = 0; t < length(path); ++t) EXPECT_TRUE(used.insert(batch_.row_of(path, t)).second);
    }
  }

  void expect_parents_first() const {
    for (size_t v = 0; v < batch_.branches().size(); ++v) {
      const Branch& branch = batch_.branches()[v];
      EXPECT_LT(branch.parent, static_cast<int32_t>(v));
      if (branch.parent < 0) {
        EXPECT_EQ(batch_.segment_of(branch).begin, 0);
      } else {
        const Branch& parent = batch_.branches()[static_cast<size_t>(branch.parent)];
        EXPECT_EQ(batch_.segment_of(branch).begin, batch_.segment_of(parent).end);
      }
    }
  }

  // Every path is in one of the two parts, the first is within the limit, and its rows are the whole's.
  void expect_divides(int64_t limit) const {
    const RowBatch::Division division = batch_.divide(limit, RowBatch::Together::sharing);
    std::set<int32_t> paths(division.first.begin(), division.first.end());
    paths.insert(division.others.begin(), division.others.end());
    EXPECT_EQ(paths.size(), batch_.paths().size());
    EXPECT_EQ(division.first.size() + division.others.size(), paths.size());
    ASSERT_FALSE(division.first.empty());
    std::vector<int64_t> rows;
    const RowBatch part = batch_.part(division.first, rows);
    ASSERT_EQ(static_cast<int64_t>(rows.size()), part.rows());
    EXPECT_TRUE(part.rows() <= limit || division.first.size() == 1);
    EXPECT_EQ(division.others.empty(), batch_.rows() <= limit || batch_.paths().size() == 1);
    std::set<int64_t> used;
    for (size_t i = 0; i < division.first.size(); ++i) {
      const Path& path = part.paths()[i];
      const Path& whole = batch_.paths()[static_cast<size_t>(division.first[i])];
      EXPECT_EQ(path.number, whole.number);
      for (int64_t t = 0; t < length(path); ++t) {
        EXPECT_EQ(rows[static_cast<size_t>(part.row_of(path, t))], batch_.row_of(whole, t));
        used.insert(part.row_of(path, t));
      }
    }
    EXPECT_EQ(static_cast<int64_t>(used.size()), part.rows()) << "rows that nobody needs";
    double shares = 0;
    for (const double share : part.row_shares()) shares += share;
    EXPECT_NEAR(shares, static_cast<double>(part.rows()), 1e-6);
  }

 private:
  int64_t length(const Path& path) const {
    return static_cast<int64_t>(samples_[static_cast<size_t>(path.sample)].tokens.size());
  }

  ThreadPool pool_{2};
  std::vector<Sample> samples_;
  RowBatch batch_;
  std::vector<std::vector<Mask>> history_;  // per path, per layer
};

TEST(RowBatchWalk, SharesExactlyWhatIsTheSame) {
  std::mt19937 random(3);
  for (int round = 0; round < 60; ++round) {
    Walk walk(test::random_tree(random, 1 + random() % 10, 2 + round % 4), 1 + round % 4, true);
    walk.expect_minimal();
    for (int layer = 0; layer < 4; ++layer) {
      walk.layer(random, 1 + static_cast<unsigned>(round) % 4);
      walk.expect_minimal();
      walk.expect_parents_first();
      for (const int64_t limit : {1, 17, 60, 100000}) walk.expect_divides(limit);
    }
  }
}

TEST(RowBatchWalk, WithoutSharingNothingIsShared) {
  std::mt19937 random(4);
  for (int round = 0; round < 20; ++round) {
    Walk walk(test::random_tree(random, 1 + random() % 6, 3), 1 + round % 3, false);
    walk.expect_separate();
    for (int layer = 0; layer < 3; ++layer) {
      walk.layer(random, 3);
      walk.expect_separate();
      walk.expect_parents_first();
    }
  }
}

}  // namespace
}  // namespace idleheads
