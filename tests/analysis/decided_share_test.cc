#include "idleheads/analysis/decided_share.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <stdexcept>
#include <vector>

namespace idleheads {
namespace {

using testing::ElementsAre;

constexpr auto kHolds = Verdict::holds, kFails = Verdict::fails, kOpen = Verdict::open;

DecidedShare share_of(const std::vector<ShareDecision>& shares) { return decided_share(shares, 0.01); }

TEST(DecidedShare, BetweenTheLastThatHoldsAndTheFirstThatFails) {
  const DecidedShare share =
      share_of({{20, 0.0205, kFails}, {5, -0.001, kHolds}, {25, 0.2, kFails}, {15, 0.0024, kHolds}});
  EXPECT_EQ(share.holds, 15);
  EXPECT_EQ(share.fails, 20);
  EXPECT_NEAR(share.interpolated.value(), 15 + 5 * (1 - 0.24) / (2.05 - 0.24), 1e-12);
  EXPECT_EQ(text_of(share), "holds at 15 %, fails at 20 %; by interpolation of estimates 17.1 %");
}

// As the paper's largest inactive share, which takes the last crossing.
TEST(DecidedShare, AShareThatFailsBelowOneThatHoldsDoesNotCount) {
  const DecidedShare share = share_of({{5, 0.03, kFails}, {10, 0, kHolds}, {15, 0.02, kFails}});
  EXPECT_EQ(share.holds, 10);
  EXPECT_EQ(share.fails, 15);
  EXPECT_DOUBLE_EQ(share.interpolated.value(), 12.5);
}

TEST(DecidedShare, BeginsWhereNothingIsLost) {
  const DecidedShare share = share_of({{5, 0.04, kFails}, {10, 0.2, kFails}});
  EXPECT_FALSE(share.holds);
  EXPECT_EQ(share.fails, 5);
  EXPECT_DOUBLE_EQ(share.interpolated.value(), 1.25);
  EXPECT_EQ(text_of(share), "fails at 5 %; by interpolation of estimates 1.3 %");
}

TEST(DecidedShare, OpenShares) {
  const DecidedShare share = share_of({{5, 0.03, kOpen},
                                       {10, 0, kHolds},
                                       {15, 0.005, kOpen},
                                       {20, 0.012, kOpen},
                                       {25, 0.05, kFails},
                                       {30, 0.02, kOpen}});
  EXPECT_THAT(share.open, ElementsAre(15, 20));
  EXPECT_NEAR(share.interpolated.value(), 15 + 5 * 0.5 / 0.7, 1e-9);
  EXPECT_EQ(text_of(share),
            "holds at 10 %, open at 15 %, 20 %, fails at 25 %; by interpolation of estimates 18.6 %");
  EXPECT_FALSE(share_to_try(share, 1));
}

TEST(DecidedShare, WithoutAShareThatFails) {
  EXPECT_EQ(text_of(share_of({{5, 0, kHolds}, {30, 0.001, kHolds}})), "holds at 30 %");
  EXPECT_EQ(text_of(share_of({{5, 0, kHolds}, {30, 0.02, kOpen}})), "holds at 5 %, open at 30 %");
  EXPECT_EQ(text_of(share_of({})), "no share was tried");
  EXPECT_FALSE(share_of({{5, 0, kHolds}, {30, 0.02, kOpen}}).interpolated);
}

TEST(DecidedShare, EstimatesThatDoNotCrossTheTolerance) {
  EXPECT_FALSE(share_of({{5, 0.03, kFails}, {10, 0.011, kHolds}, {15, 0.03, kFails}}).interpolated);
  EXPECT_FALSE(share_of({{10, 0, kHolds}, {15, 0.009, kFails}}).interpolated);
}

TEST(DecidedShare, RefusesWhatIsNoShare) {
  EXPECT_THROW(share_of({{-1, 0, kOpen}}), std::invalid_argument);
  EXPECT_THROW(share_of({{101, 0, kOpen}}), std::invalid_argument);
  EXPECT_THROW(share_of({{5, 0, kOpen}, {5, 0, kHolds}}), std::invalid_argument);
}

TEST(ShareToTry, HalvesUntilTheResolution) {
  std::vector<ShareDecision> shares = {{15, 0, kHolds}, {20, 0.1, kFails}};
  std::vector<double> tried;
  while (const auto next = share_to_try(share_of(shares), 1)) {
    tried.push_back(*next);
    shares.push_back({*next, *next / 1000, *next < 18 ? kHolds : kFails});
  }
  EXPECT_THAT(tried, ElementsAre(17.5, 18.75, 18.125));
  EXPECT_EQ(share_to_try(share_of({{4, 0.1, kFails}}), 1), 2);
  EXPECT_FALSE(share_to_try(share_of({{4, 0, kHolds}}), 1));
}

}  // namespace
}  // namespace idleheads
