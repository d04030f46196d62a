// Ranks and how two lists of numbers agree. Pure functions; numbers that are not finite are left out together
// with their partners.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace idleheads {

// 1 for the smallest; equal numbers share the mean of their ranks. All must be finite.
std::vector<double> ranks(std::span<const double> values);

// Spearman's rank correlation over the pairs of which both are finite, in [-1, 1]. None with fewer than two
// pairs or when one side is constant. Throws std::invalid_argument for lists of unequal length.
std::optional<double> spearman(std::span<const double> a, std::span<const double> b);

// Size of the intersection over size of the union of the names with the `k` greatest numbers on each side;
// equal numbers in order of the names. None if both sides are empty.
std::optional<double> top_iou(const std::map<std::string, double>& a, const std::map<std::string, double>& b,
                              size_t k);

}  // namespace idleheads
