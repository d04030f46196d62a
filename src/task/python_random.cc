#include "task/python_random.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <numeric>

namespace idleheads {
namespace {

constexpr size_t kWords = std::mt19937::state_size;

// The state that CPython's init_by_array makes of a key of 32-bit words, given to std::mt19937 as a seed
// sequence.
class InitByArray {
 public:
  using result_type = uint32_t;

  explicit InitByArray(const std::vector<uint32_t>& key) {
    state_[0] = 19650218;
    for (size_t i = 1; i < kWords; ++i) state_[i] = 1812433253u * mixed(i) + static_cast<uint32_t>(i);
    size_t i = 1, j = 0;
    const auto step = [&] {
      if (++i < kWords) return;
      state_[0] = state_[kWords - 1];
      i = 1;
    };
    for (size_t k = std::max(kWords, key.size()); k > 0; --k) {
      state_[i] = (state_[i] ^ (mixed(i) * 1664525u)) + key[j] + static_cast<uint32_t>(j);
      j = (j + 1) % key.size();
      step();
    }
    for (size_t k = kWords - 1; k > 0; --k) {
      state_[i] = (state_[i] ^ (mixed(i) * 1566083941u)) - static_cast<uint32_t>(i);
      step();
    }
    state_[0] = 0x80000000u;
  }

  template <typename Iterator>
  void generate(Iterator first, Iterator last) {
    std::copy_n(state_.begin(), last - first, first);
  }

 private:
  uint32_t mixed(size_t i) const { return state_[i - 1] ^ (state_[i - 1] >> 30); }

  std::array<uint32_t, kWords> state_;
};

std::mt19937 seeded(uint64_t seed) {
  std::vector<uint32_t> key = {static_cast<uint32_t>(seed)};
  if (seed >> 32 != 0) key.push_back(static_cast<uint32_t>(seed >> 32));
  InitByArray sequence(key);
  return std::mt19937(sequence);
}

}  // namespace

PythonRandom::PythonRandom(uint64_t seed) : engine_(seeded(seed)) {}

int64_t PythonRandom::below(int64_t n) {
  const auto bits = static_cast<int>(std::bit_width(static_cast<uint64_t>(n)));
  for (;;) {
    const auto value = static_cast<int64_t>(next() >> (32 - bits));
    if (value < n) return value;
  }
}

std::vector<int64_t> PythonRandom::sample(int64_t n, int64_t count) {
  std::vector<int64_t> drawn;
  // Python takes a list where it is smaller than a set of the drawn ones would be.
  int64_t set_size = 21;
  if (count > 5) {
    set_size += int64_t{1} << (2 * static_cast<int>(std::ceil(std::log(3.0 * static_cast<double>(count)) /
                                                              std::log(4.0))));
  }
  if (n <= set_size) {
    std::vector<int64_t> pool(static_cast<size_t>(n));
    std::iota(pool.begin(), pool.end(), 0);
    for (int64_t i = 0; i < count; ++i) {
      const auto j = static_cast<size_t>(below(n - i));
      drawn.push_back(pool[j]);
      pool[j] = pool[static_cast<size_t>(n - i - 1)];
    }
    return drawn;
  }
  while (static_cast<int64_t>(drawn.size()) < count) {
    const int64_t j = below(n);
    if (std::ranges::find(drawn, j) == drawn.end()) drawn.push_back(j);
  }
  return drawn;
}

}  // namespace idleheads
