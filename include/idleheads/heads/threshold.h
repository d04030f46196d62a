// Thresholds that flag a target share of heads (paper section 4; design 1).
#pragma once

#include <span>
#include <vector>

#include "idleheads/heads/score.h"

namespace idleheads {

// The threshold of `score` at which a share p in [0, 1] of the given scores (of all samples, layers and
// heads) is inactive: over the sorted values x_1..x_n with y_i = i/n, x at y = p (1 - p if inactive above) by
// linear interpolation, y clamped to [1/n, 1]. NaN values are left out. For random the threshold is p itself.
// Throws Error if no value is left.
float threshold_for_share(const Score& score, std::span<const float> values, double p);

// The same for several shares, sorting once.
std::vector<float> thresholds_for_shares(const Score& score, std::vector<float> values,
                                         std::span<const double> shares);

}  // namespace idleheads
