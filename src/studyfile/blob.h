// The byte layouts of a study file's cells (docs/study_format.md). Writing and reading are inverse to each
// other; reading checks every length before it allocates and throws Error without naming the file.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "idleheads/heads/intervention.h"
#include "idleheads/heads/stats.h"

namespace idleheads {

// float32, little-endian, every bit kept (also of NaN).
std::vector<std::byte> encode_floats(std::span<const float> values);
std::vector<float> decode_floats(std::span<const std::byte> bytes, size_t count);

// Bits, 1 = off: per sample ceil(layers * heads / 8) bytes; head h of layer l is bit layers-major l * heads +
// h, the lowest bit of a byte first; the bits left over in a sample's last byte are 0. All masks are [layers,
// heads].
std::vector<std::byte> encode_masks(std::span<const HeadMask> masks, int layers, int heads);
// An absent head that is off is damage.
std::vector<HeadMask> decode_masks(std::span<const std::byte> bytes, size_t samples, const HeadShape& shape);

// float32, little-endian, [samples, layers, heads, kStats] in the order of Stat; older files have fewer
// `numbers`, and what they lack is NaN.
std::vector<std::byte> encode_stats(std::span<const SampleStats> stats, int layers, int heads);
std::vector<SampleStats> decode_stats(std::span<const std::byte> bytes, size_t samples, int64_t numbers,
                                      int layers, int heads);

// int64, little-endian.
std::vector<std::byte> encode_sums(std::span<const int64_t> values);
std::vector<int64_t> decode_sums(std::span<const std::byte> bytes, size_t count);

// A JSON array of whole numbers: "[12,7,30]".
std::string encode_integers(std::span<const int64_t> values);
std::vector<int64_t> decode_integers(std::string_view text);

}  // namespace idleheads
