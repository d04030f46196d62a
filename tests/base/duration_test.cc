#include "base/duration.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace idleheads {
namespace {

TEST(Duration, HasTwoUnitsAtMost) {
  EXPECT_EQ(duration(0.42), "0.4 s");
  EXPECT_EQ(duration(9.96), "10 s");
  EXPECT_EQ(duration(59.4), "59 s");
  EXPECT_EQ(duration(59.6), "1 min");
  EXPECT_EQ(duration(200), "3 min 20 s");
  EXPECT_EQ(duration(2 * 3600 + 5 * 60 + 59), "2 h 5 min");
  EXPECT_EQ(duration(3 * 86400 + 4 * 3600), "3 d 4 h");
}

TEST(Duration, TakesWhatArithmeticGives) {
  EXPECT_EQ(duration(-1), "0 s");
  EXPECT_EQ(duration(std::nan("")), "0 s");
  EXPECT_FALSE(duration(std::numeric_limits<double>::infinity()).empty());
}

}  // namespace
}  // namespace idleheads
