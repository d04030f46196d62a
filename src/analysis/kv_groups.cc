#include "analysis/kv_groups.h"

#include <stdexcept>

namespace idleheads {
namespace {

HeadShape groups_of(const HeadShape& shape, int kv_heads) {
  if (shape.is_whole()) return {shape.layers(), kv_heads};
  const int members = shape.heads() / kv_heads;
  std::vector<HeadId> absent;
  for (int l = 0; l < shape.layers(); ++l) {
    for (int g = 0; g < kv_heads; ++g) {
      bool is_there = false;
      for (int h = g * members; h < (g + 1) * members; ++h) is_there = is_there || shape.has({l, h});
      if (!is_there) absent.push_back({l, g});
    }
  }
  return {shape.layers(), kv_heads, absent};
}

}  // namespace

HeadMask groups_off(const HeadMask& mask, int kv_heads) {
  if (kv_heads <= 0 || mask.heads() % kv_heads != 0) {
    throw std::invalid_argument("groups_off: the key and value heads do not divide the query heads");
  }
  const int members = mask.heads() / kv_heads;
  HeadMask out(groups_of(mask.shape(), kv_heads));
  for (const HeadId group : out.shape().present()) {
    bool off = true;
    for (int h = group.head * members; h < (group.head + 1) * members; ++h)
      off = off && (mask.off(group.layer, h) || !mask.shape().has({group.layer, h}));
    out.set(group.layer, group.head, off);
  }
  return out;
}

}  // namespace idleheads
