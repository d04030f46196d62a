#include "report/page/packed_pattern.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <functional>
#include <numeric>
#include <vector>

namespace idleheads {
namespace {

static_assert(std::endian::native == std::endian::little);

template <typename T>
std::string base64_of(const std::vector<T>& numbers) {
  return base64(std::as_bytes(std::span(numbers)));
}

// The positions of the largest weights, ascending; of equal ones the first.
std::vector<uint32_t> largest_of(std::span<const float> row, size_t count) {
  std::vector<uint32_t> positions(row.size());
  std::iota(positions.begin(), positions.end(), 0u);
  if (count >= row.size()) return positions;
  const auto is_larger = [&](uint32_t a, uint32_t b) { return row[a] != row[b] ? row[a] > row[b] : a < b; };
  std::ranges::nth_element(positions, positions.begin() + static_cast<int64_t>(count), is_larger);
  positions.resize(count);
  std::ranges::sort(positions);
  return positions;
}

uint8_t in_units(float weight, float largest) {
  return largest > 0 ? static_cast<uint8_t>(std::lround(255 * weight / largest)) : uint8_t{0};
}

}  // namespace

std::string base64(std::span<const std::byte> bytes) {
  constexpr char kDigits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  out.reserve((bytes.size() + 2) / 3 * 4);
  for (size_t i = 0; i < bytes.size(); i += 3) {
    const size_t there = std::min<size_t>(3, bytes.size() - i);
    uint32_t group = 0;
    for (size_t k = 0; k < 3; ++k)
      group = group << 8 | (k < there ? std::to_integer<uint32_t>(bytes[i + k]) : 0);
    for (size_t k = 0; k < 4; ++k) out += k <= there ? kDigits[group >> (18 - 6 * k) & 63] : '=';
  }
  return out;
}

OrderedJson packed_pattern(const AttentionPattern& pattern) {
  const bool is_whole = pattern.tokens() <= kWholePattern;
  std::vector<float> largest;
  std::vector<uint8_t> weights;
  std::vector<uint32_t> positions;
  for (int64_t t = 0; t < pattern.tokens(); ++t) {
    const std::span<const float> row = pattern.row(t);
    largest.push_back(std::ranges::max(row));
    const std::vector<uint32_t> kept =
        largest_of(row, is_whole ? row.size() : static_cast<size_t>(kLargestOfRow));
    for (const uint32_t k : kept) weights.push_back(in_units(row[k], largest.back()));
    if (!is_whole) positions.insert(positions.end(), kept.begin(), kept.end());
  }
  const std::vector<double> received = pattern.received();
  OrderedJson out = {{"largest", base64_of(largest)},
                     {"weights", base64_of(weights)},
                     {"received", base64_of(std::vector<float>(received.begin(), received.end()))}};
  if (!is_whole) out["positions"] = base64_of(positions);
  return out;
}

}  // namespace idleheads
