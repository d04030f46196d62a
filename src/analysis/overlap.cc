#include "analysis/overlap.h"

#include <stdexcept>

namespace idleheads {

void Overlap::add(const HeadMask& a, const HeadMask& b) {
  if (a.layers() != b.layers() || a.heads() != b.heads())
    throw std::invalid_argument("overlap: masks of different shapes");
  for (int l = 0; l < a.layers(); ++l) {
    const std::span<const uint8_t> left = a.layer(l), right = b.layer(l);
    for (size_t h = 0; h < left.size(); ++h) {
      both += left[h] & right[h];
      either += left[h] | right[h];
    }
  }
}

std::optional<double> Overlap::iou() const {
  if (either == 0) return std::nullopt;
  return static_cast<double>(both) / static_cast<double>(either);
}

}  // namespace idleheads
