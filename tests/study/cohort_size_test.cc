#include "idleheads/study/cohort_size.h"

#include <gtest/gtest.h>

#include <cmath>

namespace idleheads {
namespace {

constexpr int64_t kMost = 1 << 19;

// A machine that computes 1,000 rows a second, and documents of `own` rows of their own and `common` ones in
// a cohort, for each row unshared.
struct Machine {
  double own = 1, common = 0;
  double rate = 1000;
  double computed(int64_t rows) const { return own + common / static_cast<double>(rows); }
  double seconds(int64_t rows) const { return static_cast<double>(rows) * computed(rows) / rate; }
  void run(CohortSize& size, int64_t rows) const { size.add(rows, computed(rows), seconds(rows)); }
  // The size of the next cohort after two of different sizes.
  int64_t learned_rows() const {
    CohortSize size(kMost);
    run(size, 20'000);
    run(size, 40'000);
    return size.rows();
  }
};

TEST(CohortSize, BeginsSmallAndFillsTheTime) {
  const Machine machine;
  CohortSize size(kMost);
  EXPECT_LE(size.rows(), 512);
  EXPECT_EQ(size.seconds_of(1 << 20), 0) << "nothing is measured";
  machine.run(size, 300);
  EXPECT_EQ(size.rows(), 120'000);
  EXPECT_EQ(size.rows_in_time(), 120'000);
  EXPECT_DOUBLE_EQ(size.seconds_of(240'000), 240);
}

TEST(CohortSize, IsNeverMoreThanTheMost) {
  CohortSize size(1000);
  Machine().run(size, 300);
  EXPECT_EQ(size.rows(), 1000);
  CohortSize tiny(1);
  EXPECT_EQ(tiny.rows(), 1);
}

TEST(CohortSize, MoreFitsWhereRowsAreShared) {
  CohortSize size(kMost);
  Machine().run(size, 300);
  size.forget_sharing();
  EXPECT_EQ(size.rows(), 120'000) << "the speed is known still";
  Machine{.own = 0.4}.run(size, 120'000);
  EXPECT_EQ(size.rows(), 300'000);
}

// Of rows in common, shorter cohorts compute more; up to a tenth is accepted.
TEST(CohortSize, TheTimeGivesWayWhereItWouldCostMoreThanATenth) {
  const Machine machine = {.own = 0.3, .common = 60'000};
  const int64_t rows = machine.learned_rows();
  EXPECT_GT(machine.seconds(rows), 120);
  EXPECT_NEAR(machine.computed(rows) / machine.computed(kMost), 1.1, 0.001);
}

TEST(CohortSize, TheTimeHoldsWhereItIsCheap) {
  const Machine machine = {.own = 0.3, .common = 3'000};
  const int64_t rows = machine.learned_rows();
  EXPECT_NEAR(machine.seconds(rows), 120, 0.1);
  EXPECT_LT(machine.computed(rows) / machine.computed(kMost), 1.1);
}

TEST(CohortSize, CohortsOfOneSizeSayNothingOfSize) {
  CohortSize size(kMost);
  size.add(100'000, 0.5, 60);
  size.add(110'000, 0.4, 60);  // other documents, not another size
  EXPECT_NEAR(static_cast<double>(size.rows()), 120 / (60 / (110'000 * 0.4)) / 0.4476, 100);
}

TEST(CohortSize, TheSlowestMachineGoesDocumentByDocument) {
  CohortSize size(kMost);
  size.add(300, 1, 600);
  EXPECT_EQ(size.rows(), 60);
  EXPECT_GT(size.seconds_of(30'000), size.seconds());
}

TEST(CohortSize, ClocksThatStandStillAndEmptyCohortsAreTaken) {
  CohortSize size(kMost);
  size.add(0, 0, 1);
  EXPECT_FALSE(size.is_measured());
  size.add(100, 1, 0);
  EXPECT_EQ(size.rows(), kMost);
}

TEST(CohortSize, OfAnyTimeIsTheMost) {
  CohortSize size = CohortSize::of_any_time(kMost);
  EXPECT_EQ(size.rows(), kMost);
  size.add(300, 1, 600);
  EXPECT_EQ(size.rows(), kMost);
  EXPECT_LE(size.seconds_of(1 << 20), size.seconds());
}

}  // namespace
}  // namespace idleheads
