#include "idleheads/studyfile/shard.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "base/fail.h"

namespace idleheads {
namespace {

constexpr int kMostShards = 9999;
// A cut moves to the border of a group that is nearer than this part of a shard.
constexpr double kNear = 0.25;

int number_of(std::string_view digits, std::string_view text) {
  int number = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  if (digits.empty() || error != std::errc() || end != digits.data() + digits.size() || number < 0)
    fail_usage("--shard '{}': expected a part of so many, as in 3/16", printable(text));
  return number;
}

// Tokens before each document, and all.
std::vector<int64_t> tokens_before(std::span<const StoredDocument> documents) {
  std::vector<int64_t> sums = {0};
  for (const StoredDocument& document : documents) sums.push_back(sums.back() + document.tokens);
  return sums;
}

// The one of `places` whose sum is nearest to `wanted`.
int64_t nearest(std::span<const int64_t> places, std::span<const int64_t> sums, double wanted) {
  return *std::ranges::min_element(places, {}, [&](int64_t place) {
    return std::abs(static_cast<double>(sums[static_cast<size_t>(place)]) - wanted);
  });
}

}  // namespace

Shard parse_shard(std::string_view text) {
  const size_t slash = text.find('/');
  if (slash == std::string_view::npos)
    fail_usage("--shard '{}': expected a part of so many, as in 3/16", printable(text));
  const Shard shard = {number_of(text.substr(0, slash), text), number_of(text.substr(slash + 1), text)};
  if (shard.count < 1 || shard.count > kMostShards || shard.number < 1 || shard.number > shard.count) {
    fail_usage("--shard {}: parts are counted from 1, as in 1/{} to {}/{}; at most {}", printable(text),
               std::max(1, shard.count), std::max(1, shard.count), std::max(1, shard.count), kMostShards);
  }
  return shard;
}

std::string to_string(Shard shard) { return fmt::format("{}/{}", shard.number, shard.count); }

std::string file_name(Shard shard) { return fmt::format("{:03}.of{:03}.db", shard.number, shard.count); }

std::vector<DocumentRange> shard_ranges(std::span<const StoredDocument> documents, int count) {
  const std::vector<int64_t> sums = tokens_before(documents);
  std::vector<int64_t> places, borders;
  for (int64_t d = 0; d <= std::ssize(documents); ++d) {
    const auto i = static_cast<size_t>(d);
    const bool is_border =
        d == 0 || d == std::ssize(documents) || documents[i].group != documents[i - 1].group;
    places.push_back(d);
    if (is_border) borders.push_back(d);
  }
  const double each = static_cast<double>(sums.back()) / count;
  std::vector<DocumentRange> ranges;
  int64_t first = 0;
  for (int k = 1; k <= count; ++k) {
    const double wanted = each * k;
    int64_t end = nearest(borders, sums, wanted);
    if (std::abs(static_cast<double>(sums[static_cast<size_t>(end)]) - wanted) > kNear * each)
      end = nearest(places, sums, wanted);
    end = k == count ? std::ssize(documents) : std::max(first, end);
    ranges.push_back({first, end});
    first = end;
  }
  return ranges;
}

}  // namespace idleheads
