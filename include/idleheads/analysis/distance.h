// How far apart two distributions of scores are. Pure functions.
#pragma once

#include <vector>

namespace idleheads {

// Distances of the empirical distribution functions of two samples. NaN is left out.
struct CdfDistance {
  double kolmogorov_smirnov = 0;  // greatest difference of the two functions, in [0, 1]
  double wasserstein = 0;         // area between them, in units of the score
};

// NaN in both if one side has no number.
CdfDistance cdf_distance(std::vector<float> a, std::vector<float> b);

}  // namespace idleheads
