// How the numbers of one head vary over samples and between subjects. Pure functions.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace idleheads {

// NaN where there is no number, or none to compare with.
struct Spread {
  int64_t n = 0;               // numbers; NaN is left out
  double mean = 0;             // over samples
  double deviation = 0;        // sample standard deviation over samples; needs two
  double group_deviation = 0;  // the same over the groups' means, one a group; needs two groups
};

// `groups`: the group of each value, in [0, ...). Throws std::invalid_argument for lists of unequal length.
Spread spread_of(std::span<const float> values, std::span<const int> groups);

// The mean of the numbers; NaN is left out, and is the result without numbers.
double mean_of(std::span<const float> values);

// Quantiles at shares 0, 1/(count - 1), ..., 1, linear between neighbours; NaN is left out. Empty without
// numbers. `count` is at least 2.
std::vector<float> quantiles_of(std::vector<float> values, int count);

// The value at `share` (in [0, 1]) of the sorted values, linear between neighbours as NumPy has it. Sorts
// `values`. Throws std::invalid_argument if there are none.
double percentile(std::vector<double>& values, double share);

}  // namespace idleheads
