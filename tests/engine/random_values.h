// Normal random numbers for the tests of the kernels.
#pragma once

#include <cstdint>
#include <random>
#include <vector>

namespace idleheads::test {

inline std::vector<float> random_values(int64_t count, unsigned seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal;
  std::vector<float> values;
  for (int64_t i = 0; i < count; ++i) values.push_back(normal(random));
  return values;
}

}  // namespace idleheads::test
