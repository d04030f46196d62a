// The state of a descent: which rows stand for which samples under which interventions at the current layer.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "engine/token_tree.h"
#include "heads/intervention.h"

namespace idleheads {

// A segment under one mask history: its rows are those of every path with that history.
struct Variant {
  int32_t segment = 0;
  int32_t parent = -1;    // variant of the parent segment with the same history
  int64_t first_row = 0;  // in the cohort's row matrix; the segment's rows follow one another
};

// A (sample, intervention) pair on its way down.
struct Path {
  int32_t sample = 0;
  int32_t intervention = 0;
  int32_t number = 0;   // sample * interventions + intervention
  int32_t variant = 0;  // the variant of its leaf segment
};

// Where a row of the next layer comes from: a row of this layer, with the masked heads' outputs set to zero.
struct RowSource {
  int64_t row = 0;
  int32_t mask = 0;  // index into Step::masks
};

// What the masks of one layer turn the cohort into.
struct Step {
  std::vector<Variant> variants;
  std::vector<int32_t> path_variants;       // the new variant of each path
  std::vector<RowSource> rows;              // one a row of the next layer
  std::vector<std::vector<uint8_t>> masks;  // the distinct masks, [heads]
};

class Cohort {
 public:
  // All paths of samples x interventions, path i with number i; with sharing they begin as one variant a
  // segment.
  Cohort(std::span<const Sample> samples, int64_t interventions, bool sharing);
  // The same over a tree with one leaf a sample, or one a path.
  Cohort(TokenTree tree, int64_t samples, int64_t interventions);

  const TokenTree& tree() const { return *tree_; }
  const std::vector<Variant>& variants() const { return variants_; }
  const std::vector<Path>& paths() const { return paths_; }
  int64_t rows() const { return rows_; }
  int64_t rows_unshared() const;  // sum of the paths' tokens

  const Segment& segment_of(const Variant& variant) const {
    return tree_->segments[static_cast<size_t>(variant.segment)];
  }
  // Variants from the root to `variant`.
  std::vector<int32_t> chain(int32_t variant) const;
  // The row of a path's token at `position`.
  int64_t row_of(const Path& path, int64_t position) const;

  // Branches variants where masks differ: path_masks[path] is [heads] for this layer.
  Step branch(const std::vector<std::vector<uint8_t>>& path_masks) const;
  void advance(const Step& step);

  // What part of each row's work falls on a path, if those who share a row pay equal parts of it: rows a
  // path.
  std::vector<double> row_shares() const;

  // Indices of paths: as many as come to at most `limit` rows, and one at least, and the others. Rows are
  // counted after `step`, or without one as they are. Paths that share rows are neighbours in their order; or
  // those of one intervention are, where it is to be done early, and interventions that share rows.
  enum class Together { sharing, interventions };
  struct Division {
    std::vector<int32_t> first, others;
  };
  Division divide(int64_t limit, Together together, const Step* step = nullptr) const;

  // Goes on with these paths alone; variants and rows stay where they are.
  void keep(std::span<const int32_t> paths);
  // A cohort of these paths alone, its rows one after the other; rows[i] is this cohort's row for its row i.
  Cohort part(std::span<const int32_t> paths, std::vector<int64_t>& rows) const;

 private:
  std::shared_ptr<const TokenTree> tree_;
  std::vector<Variant> variants_;
  std::vector<Path> paths_;
  int64_t rows_ = 0;
};

}  // namespace idleheads
