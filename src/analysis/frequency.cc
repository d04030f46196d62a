#include "analysis/frequency.h"

#include <algorithm>
#include <stdexcept>

namespace idleheads {

void HeadFrequency::add(const HeadMask& mask) {
  if (samples == 0) {
    layers = mask.layers();
    heads = mask.heads();
    off.assign(static_cast<size_t>(layers) * heads, 0);
  }
  if (mask.layers() != layers || mask.heads() != heads)
    throw std::invalid_argument("masks of different models");
  for (int l = 0; l < layers; ++l) {
    for (int h = 0; h < heads; ++h) off[static_cast<size_t>(l) * heads + h] += mask.off(l, h) ? 1 : 0;
  }
  ++samples;
}

HeadFrequency head_frequency(std::span<const HeadMask> masks) {
  HeadFrequency frequency;
  for (const HeadMask& mask : masks) frequency.add(mask);
  return frequency;
}

std::vector<HeadId> heads_by_frequency(const HeadFrequency& frequency) {
  std::vector<HeadId> order;
  for (int l = 0; l < frequency.layers; ++l) {
    for (int h = 0; h < frequency.heads; ++h) order.push_back({l, h});
  }
  std::stable_sort(order.begin(), order.end(),
                   [&](HeadId a, HeadId b) { return frequency.count(a) > frequency.count(b); });
  return order;
}

}  // namespace idleheads
