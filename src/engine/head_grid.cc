#include "engine/head_grid.h"

#include <algorithm>

namespace idleheads {

HeadShape head_shape(const ModelSpec& spec) {
  std::vector<HeadId> absent;
  std::vector<bool> has(static_cast<size_t>(spec.heads()));
  for (int l = 0; l < spec.layer_count(); ++l) {
    const AttentionSpec& attention = spec.layers[static_cast<size_t>(l)].attention;
    has.assign(has.size(), false);
    for (int h = 0; h < attention.heads; ++h) has[static_cast<size_t>(attention.column(h))] = true;
    for (int h = 0; h < spec.heads(); ++h) {
      if (!has[static_cast<size_t>(h)]) absent.push_back({l, h});
    }
  }
  return {spec.layer_count(), spec.heads(), absent};
}

int head_dim(const ModelSpec& spec) { return spec.layers.front().attention.head_dim; }

void place_stats(const AttentionSpec& attention, std::span<const HeadStats> own, std::span<HeadStats> grid) {
  std::ranges::fill(grid, stats_of_absent());
  for (int h = 0; h < attention.heads; ++h)
    grid[static_cast<size_t>(attention.column(h))] = own[static_cast<size_t>(h)];
}

void append_own(const AttentionSpec& attention, std::span<const uint8_t> grid, std::vector<uint8_t>& own) {
  for (int h = 0; h < attention.heads; ++h) own.push_back(grid[static_cast<size_t>(attention.column(h))]);
}

std::vector<float> own_means(const AttentionSpec& attention, const HeadMeans& means, int layer) {
  std::vector<float> own;
  for (int h = 0; h < attention.heads; ++h) {
    const std::span<const float> mean = means.of({layer, attention.column(h)});
    own.insert(own.end(), mean.begin(), mean.end());
  }
  return own;
}

}  // namespace idleheads
