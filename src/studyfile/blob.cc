#include "studyfile/blob.h"

#include <fmt/ranges.h>

#include <bit>
#include <charconv>
#include <cstring>
#include <limits>
#include <stdexcept>

#include "base/fail.h"

namespace idleheads {
namespace {

static_assert(std::endian::native == std::endian::little,
              "study files are little-endian and copied as they are");
static_assert(sizeof(HeadStats) == kStats * sizeof(float));

size_t head_count(int layers, int heads) { return static_cast<size_t>(layers) * static_cast<size_t>(heads); }

void check_size(size_t found, size_t items, size_t item_bytes, std::string_view what) {
  // By division: a crafted number of items must not overflow the product.
  if (found % item_bytes != 0 || found / item_bytes != items) {
    fail("{} have {} bytes, expected {} times {}", what, found, items, item_bytes);
  }
}

}  // namespace

std::vector<std::byte> encode_floats(std::span<const float> values) {
  const auto bytes = std::as_bytes(values);
  return {bytes.begin(), bytes.end()};
}

std::vector<float> decode_floats(std::span<const std::byte> bytes, size_t count) {
  check_size(bytes.size(), count, sizeof(float), "log-likelihoods");
  std::vector<float> values(count);
  if (count != 0) std::memcpy(values.data(), bytes.data(), bytes.size());
  return values;
}

std::vector<std::byte> encode_sums(std::span<const int64_t> values) {
  const auto bytes = std::as_bytes(values);
  return {bytes.begin(), bytes.end()};
}

std::vector<int64_t> decode_sums(std::span<const std::byte> bytes, size_t count) {
  check_size(bytes.size(), count, sizeof(int64_t), "the sums of the heads' outputs");
  std::vector<int64_t> values(count);
  if (count != 0) std::memcpy(values.data(), bytes.data(), bytes.size());
  return values;
}

std::vector<std::byte> encode_masks(std::span<const HeadMask> masks, int layers, int heads) {
  const size_t stride = (head_count(layers, heads) + 7) / 8;
  std::vector<std::byte> bytes(masks.size() * stride);
  for (size_t sample = 0; sample < masks.size(); ++sample) {
    if (masks[sample].layers() != layers || masks[sample].heads() != heads) {
      throw std::invalid_argument("a mask of another model's shape");
    }
    for (int l = 0; l < layers; ++l) {
      for (int h = 0; h < heads; ++h) {
        const size_t bit = head_count(l, heads) + static_cast<size_t>(h);
        if (masks[sample].off(l, h)) bytes[sample * stride + bit / 8] |= std::byte{1} << (bit % 8);
      }
    }
  }
  return bytes;
}

std::vector<HeadMask> decode_masks(std::span<const std::byte> bytes, size_t samples, const HeadShape& shape) {
  const size_t stride = (head_count(shape.layers(), shape.heads()) + 7) / 8;
  check_size(bytes.size(), samples, stride, "masks");
  std::vector<HeadMask> masks(samples, HeadMask(shape));
  for (size_t sample = 0; sample < samples; ++sample) {
    for (int l = 0; l < shape.layers(); ++l) {
      for (int h = 0; h < shape.heads(); ++h) {
        const size_t bit = head_count(l, shape.heads()) + static_cast<size_t>(h);
        const std::byte byte = bytes[sample * stride + bit / 8];
        if ((byte >> (bit % 8) & std::byte{1}) == std::byte{0}) continue;
        if (!shape.has({l, h})) fail("masks have {} off, which the model has not", to_string(HeadId{l, h}));
        masks[sample].set(l, h, true);
      }
    }
  }
  return masks;
}

std::vector<std::byte> encode_stats(std::span<const SampleStats> stats, int layers, int heads) {
  std::vector<std::byte> bytes;
  bytes.reserve(stats.size() * head_count(layers, heads) * sizeof(HeadStats));
  for (const SampleStats& sample : stats) {
    if (sample.layers != layers || sample.heads != heads ||
        sample.values.size() != head_count(layers, heads)) {
      throw std::invalid_argument("statistics of another model's shape");
    }
    const auto values = std::as_bytes(std::span(sample.values));
    bytes.insert(bytes.end(), values.begin(), values.end());
  }
  return bytes;
}

std::vector<SampleStats> decode_stats(std::span<const std::byte> bytes, size_t samples, int64_t numbers,
                                      int layers, int heads) {
  if (numbers < 1 || numbers > kStats)
    fail("statistics: {} numbers a head, expected 1 to {}", numbers, kStats);
  const size_t of_head = static_cast<size_t>(numbers) * sizeof(float);
  check_size(bytes.size(), samples, head_count(layers, heads) * of_head, "statistics");
  std::vector<SampleStats> stats(samples, SampleStats(layers, heads));
  const std::byte* from = bytes.data();
  for (SampleStats& sample : stats) {
    for (HeadStats& head : sample.values) {
      head.fill(std::numeric_limits<float>::quiet_NaN());
      std::memcpy(head.data(), from, of_head);
      from += of_head;
    }
  }
  return stats;
}

std::string encode_integers(std::span<const int64_t> values) {
  return fmt::format("[{}]", fmt::join(values, ","));
}

std::vector<int64_t> decode_integers(std::string_view text) {
  std::vector<int64_t> values;
  const std::string_view whole = text;
  const auto malformed = [&] { fail("'{}' is not a list of whole numbers", printable(whole)); };
  if (text.size() < 2 || !text.starts_with('[') || !text.ends_with(']')) malformed();
  text = text.substr(1, text.size() - 2);
  while (!text.empty()) {
    int64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc()) malformed();
    values.push_back(value);
    text.remove_prefix(static_cast<size_t>(end - text.data()));
    if (text.empty()) break;
    if (text.size() < 2 || text[0] != ',') malformed();
    text.remove_prefix(1);
  }
  return values;
}

}  // namespace idleheads
