// How sure accuracies are: intervals, and tests of two runs over the same documents. Pure functions.
#pragma once

#include <cstdint>
#include <optional>

namespace idleheads {

struct Interval {
  double low = 0;
  double high = 0;
};

// Wilson's score interval for the share `right` / `n` (Wilson 1927), within [0, 1]. n > 0 and 0 <= right <=
// n, confidence in (0, 1); throws std::invalid_argument.
Interval wilson(int64_t right, int64_t n, double confidence = 0.95);

// McNemar's exact test, two-sided: how likely it is that of `lost` + `won` documents that one run has right
// and the other has not, so many or more are on one side if both sides are equally likely. 1 if there are
// none. Throws std::invalid_argument for negative numbers.
double mcnemar_exact(int64_t lost, int64_t won);

}  // namespace idleheads
