#include "analysis/kv_groups.h"

#include <stdexcept>

namespace idleheads {

HeadMask groups_off(const HeadMask& mask, int kv_heads) {
  if (kv_heads <= 0 || mask.heads() % kv_heads != 0) {
    throw std::invalid_argument("groups_off: the key and value heads do not divide the query heads");
  }
  const int members = mask.heads() / kv_heads;
  HeadMask out(mask.layers(), kv_heads);
  for (int l = 0; l < mask.layers(); ++l) {
    for (int g = 0; g < kv_heads; ++g) {
      bool off = true;
      for (int h = g * members; h < (g + 1) * members; ++h) off = off && mask.off(l, h);
      out.set(l, g, off);
    }
  }
  return out;
}

}  // namespace idleheads
