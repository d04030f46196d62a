// Attention patterns as pages hold them: 8 bits a weight.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "format/json.h"
#include "idleheads/heads/attention_pattern.h"

namespace idleheads {

// Of prompts longer than this each row keeps its largest weights alone.
inline constexpr int64_t kWholePattern = 2048;  // tokens
inline constexpr int64_t kLargestOfRow = 64;

// RFC 4648, with padding.
std::string base64(std::span<const std::byte> bytes);

// Arrays in base64, of little-endian numbers:
//   "largest"    float32 [tokens]: each row's largest weight
//   "weights"    uint8: weights in units of their row's largest / 255, rounded; row by row, t + 1 of row t
//   "received"   float32 [tokens]: AttentionPattern::received()
// Of a prompt of more than kWholePattern tokens "weights" has the min(t + 1, kLargestOfRow) largest of row t
// in order of their positions, which "positions", uint32, has.
OrderedJson packed_pattern(const AttentionPattern& pattern);

}  // namespace idleheads
