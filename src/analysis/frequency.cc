#include "idleheads/analysis/frequency.h"

#include <algorithm>
#include <numeric>
#include <stdexcept>

namespace idleheads {

void HeadFrequency::add(const HeadMask& mask, int64_t count) {
  if (passes == 0) {
    shape = mask.shape();
    layers = shape.layers();
    heads = shape.heads();
    off.assign(static_cast<size_t>(layers) * heads, 0);
  }
  if (mask.layers() != layers || mask.heads() != heads)
    throw std::invalid_argument("masks of different models");
  for (int l = 0; l < layers; ++l) {
    for (int h = 0; h < heads; ++h) off[static_cast<size_t>(l) * heads + h] += mask.off(l, h) ? count : 0;
  }
  passes += count;
}

void HeadFrequency::add(const HeadFrequency& other) {
  if (other.passes == 0) return;
  if (passes == 0) {
    *this = other;
    return;
  }
  if (other.layers != layers || other.heads != heads)
    throw std::invalid_argument("masks of different models");
  for (size_t i = 0; i < off.size(); ++i) off[i] += other.off[i];
  passes += other.passes;
}

double HeadFrequency::mean_share() const {
  const auto absent = std::ssize(shape.absent());
  const auto there = static_cast<double>(std::ssize(off) - absent);
  if (passes == 0 || there == 0) return 0;
  const int64_t all = std::accumulate(off.begin(), off.end(), int64_t{0});
  return static_cast<double>(all) / (static_cast<double>(passes) * there);
}

HeadFrequency head_frequency(std::span<const HeadMask> masks) {
  HeadFrequency frequency;
  for (const HeadMask& mask : masks) frequency.add(mask);
  return frequency;
}

std::vector<HeadId> heads_by_frequency(const HeadFrequency& frequency) {
  std::vector<HeadId> order;
  for (int l = 0; l < frequency.layers; ++l) {
    for (int h = 0; h < frequency.heads; ++h) {
      if (frequency.has({l, h})) order.push_back({l, h});
    }
  }
  std::stable_sort(order.begin(), order.end(),
                   [&](HeadId a, HeadId b) { return frequency.count(a) > frequency.count(b); });
  return order;
}

}  // namespace idleheads
