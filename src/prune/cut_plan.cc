#include "prune/cut_plan.h"

#include <algorithm>
#include <stdexcept>

namespace idleheads {
namespace {

// The heads of a group: first those that are on, then the others.
std::vector<int> by_use(std::span<const uint8_t> off, int first, int members) {
  std::vector<int> heads;
  for (const bool wanted : {false, true}) {
    for (int h = first; h < first + members; ++h) {
      if ((off[static_cast<size_t>(h)] != 0) == wanted) heads.push_back(h);
    }
  }
  return heads;
}

LayerHeads plan_layer(std::span<const uint8_t> off, int kv_heads) {
  const int members = static_cast<int>(off.size()) / kv_heads;
  const auto on = [&](int group) {
    const auto begin = off.begin() + static_cast<std::ptrdiff_t>(group) * members;
    return static_cast<int>(std::count(begin, begin + members, uint8_t{0}));
  };
  int most = 0;
  for (int g = 0; g < kv_heads; ++g) most = std::max(most, on(g));
  LayerHeads out;
  for (int g = 0; g < kv_heads; ++g) {
    if (on(g) == 0) continue;
    out.kv_heads.push_back(g);
    std::vector<int> kept = by_use(off, g * members, members);
    kept.resize(static_cast<size_t>(most));
    std::ranges::sort(kept);
    for (const int h : kept) {
      out.heads.push_back(h);
      if (off[static_cast<size_t>(h)] != 0) out.zeroed.push_back(h);
    }
  }
  return out;
}

}  // namespace

std::vector<LayerHeads> plan_cut(const HeadMask& mask, int kv_heads, EmptyLayers empty_layers) {
  if (kv_heads < 1 || mask.heads() % kv_heads != 0) throw std::invalid_argument("plan_cut: KV heads");
  std::vector<LayerHeads> plan;
  for (int l = 0; l < mask.layers(); ++l) {
    plan.push_back(plan_layer(mask.layer(l), kv_heads));
    if (plan.back().heads.empty() && empty_layers == EmptyLayers::keep_a_head) plan.back() = {{0}, {0}, {0}};
  }
  return plan;
}

int64_t cut_heads(const std::vector<LayerHeads>& plan, const HeadMask& mask) {
  int64_t zeroed = 0;
  for (const LayerHeads& layer : plan) zeroed += std::ssize(layer.zeroed);
  return mask.count() - zeroed;
}

}  // namespace idleheads
