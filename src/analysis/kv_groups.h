// What switching heads off saves of the KV cache: a key and value head can go when all query heads that read
// it are off. Pure functions.
#pragma once

#include <cstdint>

#include "idleheads/heads/intervention.h"

namespace idleheads {

// The KV groups of which all query heads that are there are off: [layers, kv_heads]. Query heads h of group g
// are g * heads / kv_heads and the following; a group that has lost all of them is absent itself. Throws
// std::invalid_argument if kv_heads does not divide the heads.
HeadMask groups_off(const HeadMask& mask, int kv_heads);

// Bytes that `groups` key and value heads take of the cache for each token: keys and values, `head_dim`
// numbers each of `bytes` bytes.
constexpr double kv_bytes(double groups, int head_dim, int bytes = 2) {
  return 2 * groups * head_dim * bytes;
}

}  // namespace idleheads
