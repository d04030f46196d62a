// Between the heads that a layer has and their places in the grid of names that masks and statistics are for
// (ModelSpec::heads()).
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "idleheads/heads/head_means.h"
#include "idleheads/heads/head_shape.h"
#include "idleheads/heads/stats.h"
#include "idleheads/model/spec.h"

namespace idleheads {

HeadShape head_shape(const ModelSpec& spec);
int head_dim(const ModelSpec& spec);  // of all heads

// `own` [heads of the layer] to their places in `grid`; other places get stats_of_absent().
void place_stats(const AttentionSpec& attention, std::span<const HeadStats> own, std::span<HeadStats> grid);

// What a mask of the grid says of the layer's heads, appended to `own`.
void append_own(const AttentionSpec& attention, std::span<const uint8_t> grid, std::vector<uint8_t>& own);

// The layer's heads' vectors of the grid, side by side: [heads, head_dim].
std::vector<float> own_means(const AttentionSpec& attention, const HeadMeans& means, int layer);

}  // namespace idleheads
