// Means of what heads put out: with mean ablation a head that is off gives its mean instead of zeros, so that
// what it adds to the residual stream is a constant, W_O^h mu_h.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "idleheads/heads/head_shape.h"

namespace idleheads {

// A vector [head_dim] for each place of the grid; those of heads that are absent mean nothing.
template <typename T>
class HeadVectors {
 public:
  HeadVectors() = default;
  HeadVectors(HeadShape shape, int head_dim)
      : shape_(std::move(shape)),
        head_dim_(head_dim),
        values_(static_cast<size_t>(shape_.layers()) * static_cast<size_t>(shape_.heads()) * width()) {}

  const HeadShape& shape() const { return shape_; }
  int head_dim() const { return head_dim_; }
  std::span<T> of(HeadId id) { return std::span(values_).subspan(begin_of(id), width()); }
  std::span<const T> of(HeadId id) const { return std::span(values_).subspan(begin_of(id), width()); }
  std::span<T> values() { return values_; }  // [layers, heads, head_dim]
  std::span<const T> values() const { return values_; }
  bool operator==(const HeadVectors&) const = default;

 private:
  size_t width() const { return static_cast<size_t>(head_dim_); }
  size_t begin_of(HeadId id) const {
    return (static_cast<size_t>(id.layer) * static_cast<size_t>(shape_.heads()) +
            static_cast<size_t>(id.head)) *
           width();
  }

  HeadShape shape_;
  int head_dim_ = 0;
  std::vector<T> values_;
};

using HeadMeans = HeadVectors<float>;

// Sums over rows (tokens) of the heads' outputs z before W_O, in units of 1 / kOutputUnits. Each number is
// rounded to such a unit, half of which is float32's own error of numbers around 1/2, and added as an
// integer: sums are the same bits in whatever order rows come, and however they are divided among threads,
// cohorts, or parts of a study.
inline constexpr double kOutputUnits = 1 << 24;
// Numbers beyond it count as it, so that 2^24 rows never overflow; half precision ends at twice this.
inline constexpr float kLargestOutput = 1 << 15;
int64_t in_output_units(float z);

struct OutputSums {
  HeadVectors<int64_t> sums;
  int64_t rows = 0;  // that each head's sum is of

  // Throws Error where a sum is more than 64 bits hold, and std::logic_error if the two are of other shapes;
  // without a shape this takes the other's.
  void add(const OutputSums& other);
  // Throws Error if there are no rows.
  HeadMeans means() const;
  bool operator==(const OutputSums&) const = default;
};

}  // namespace idleheads
