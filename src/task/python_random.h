// Python's random.Random, as far as drawing examples needs it: the same draws for the same seed.
#pragma once

#include <cstdint>
#include <random>
#include <vector>

namespace idleheads {

class PythonRandom {
 public:
  explicit PythonRandom(uint64_t seed);

  uint32_t next() { return static_cast<uint32_t>(engine_()); }  // 32 bits
  int64_t below(int64_t n);                                     // uniform in [0, n), 0 < n < 2^31
  // `count` different numbers of [0, n), as random.sample(range(n), count) gives them; count <= n.
  std::vector<int64_t> sample(int64_t n, int64_t count);

 private:
  std::mt19937 engine_;
};

}  // namespace idleheads
