// Which rows stand for which samples under which interventions at the current layer.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/thread_pool.h"
#include "engine/backend.h"
#include "engine/token_tree.h"

namespace idleheads {

// Every sample under every intervention: number sample * interventions + intervention.
std::vector<PathSpec> all_paths(int64_t samples, int64_t interventions);

// A segment under one history of masks: its rows are those of every path with that history.
struct Branch {
  int32_t segment = 0;
  int32_t parent = -1;    // branch of the parent segment with the same history
  int64_t first_row = 0;  // the segment's rows follow one another
};

// A (sample, intervention) pair on its way through the layers.
struct Path {
  int32_t sample = 0;
  int32_t intervention = 0;
  int32_t number = 0;  // in the list of what is run
  int32_t branch = 0;  // that of its last segment
};

// What the masks of one layer turn the batch into.
struct Branching {
  std::vector<Branch> branches;
  std::vector<int32_t> path_branches;  // the new branch of each path
  std::vector<RowSource> rows;         // one a row of the next layer
  MaskTable masks;
};

class RowBatch {
 public:
  // From build_token_tree(), or own_segments().
  RowBatch(TokenTree tree, std::span<const PathSpec> paths) : RowBatch(std::move(tree), paths, false) {}
  // From separate_paths(): every path has rows of its own.
  static RowBatch separate(TokenTree tree, std::span<const PathSpec> paths) {
    return RowBatch(std::move(tree), paths, true);
  }

  const TokenTree& tree() const { return *tree_; }
  const std::vector<Branch>& branches() const { return branches_; }
  const std::vector<Path>& paths() const { return paths_; }
  int64_t rows() const { return rows_; }
  int64_t rows_unshared() const;  // sum of the paths' tokens

  const Segment& segment_of(const Branch& branch) const {
    return tree_->segments[static_cast<size_t>(branch.segment)];
  }
  // The row of a path's token at `position`.
  int64_t row_of(const Path& path, int64_t position) const;

  // Parts branches where masks differ: masks is [paths, heads] for this layer, which may have no heads.
  Branching branch(std::span<const uint8_t> masks, int heads, ThreadPool& pool) const;
  void advance(const Branching& branching);

  // How many of these paths each branch is of.
  std::vector<int64_t> users(std::span<const int32_t> paths) const;
  // What part of each row's work falls on a path, if those who share a row pay equal parts of it: rows a
  // path.
  std::vector<double> row_shares() const;

  // Indices of paths: as many as come to at most `limit` rows, and one at least, and the others. Rows are
  // counted after `branching`, or without one as they are. Paths that share rows are neighbours in their
  // order; or those of one intervention are, where it is to be done early, and interventions that share rows.
  enum class Together { sharing, interventions };
  struct Division {
    std::vector<int32_t> first, others;
  };
  Division divide(int64_t limit, Together together, const Branching* branching = nullptr) const;

  // Goes on with these paths alone; branches and rows stay where they are.
  void keep(std::span<const int32_t> paths);
  // A batch of these paths alone, its rows one after the other; rows[i] is this batch's row for its row i.
  RowBatch part(std::span<const int32_t> paths, std::vector<int64_t>& rows) const;

 private:
  RowBatch(TokenTree tree, std::span<const PathSpec> paths, bool leaf_is_of_path);

  std::shared_ptr<const TokenTree> tree_;
  std::vector<Branch> branches_;  // parents before their children
  std::vector<Path> paths_;
  int64_t rows_ = 0;
};

}  // namespace idleheads
