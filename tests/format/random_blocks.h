// Blocks of random bytes that stand for finite numbers.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <random>
#include <span>
#include <vector>

#include "format/tensor.h"

namespace idleheads::test {

inline constexpr int kTypes = static_cast<int>(DType::mxfp4) + 1;

inline bool all_finite(std::span<const float> values) {
  return std::ranges::all_of(values, [](float x) { return std::isfinite(x); });
}

inline void fill(std::span<std::byte> bytes, std::mt19937& random) {
  std::ranges::generate(bytes, [&] { return static_cast<std::byte>(random() & 255); });
}

// `elements`: a multiple of the type's block.
inline std::vector<std::byte> random_blocks(DType dtype, int64_t elements, unsigned seed) {
  const DTypeInfo& info = dtype_info(dtype);
  std::mt19937 random(seed);
  std::vector<std::byte> bytes(static_cast<size_t>(elements / info.block_elements * info.block_bytes));
  std::vector<float> values(static_cast<size_t>(info.block_elements));
  const auto size = static_cast<size_t>(info.block_bytes);
  for (size_t at = 0; at < bytes.size(); at += size) {
    const auto block = std::span(bytes).subspan(at, size);
    do {
      fill(block, random);
      dequantize(dtype, block, values);
    } while (!all_finite(values));
  }
  return bytes;
}

// Exponents of MXFP4's scales.
inline std::vector<std::byte> random_exponents(int64_t blocks, unsigned seed) {
  std::mt19937 random(seed);
  std::vector<std::byte> bytes(static_cast<size_t>(blocks));
  std::ranges::generate(bytes, [&] { return static_cast<std::byte>(random() % 250); });
  return bytes;
}

}  // namespace idleheads::test
