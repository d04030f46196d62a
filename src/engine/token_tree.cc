#include "engine/token_tree.h"

#include <algorithm>
#include <numeric>

namespace idleheads {
namespace {

size_t common_prefix(const std::vector<int32_t>& a, const std::vector<int32_t>& b) {
  return static_cast<size_t>(std::mismatch(a.begin(), a.end(), b.begin(), b.end()).first - a.begin());
}

// Builds the tree from samples in lexicographic order of their tokens: each one leaves the path of the one
// before it where their common prefix ends.
class Builder {
 public:
  Builder(std::span<const Sample> samples, std::span<const int64_t> rope_lengths)
      : samples_(samples), rope_lengths_(rope_lengths) {
    tree_.leaf.resize(samples.size());
  }

  TokenTree build() {
    std::vector<int32_t> order(samples_.size());
    std::iota(order.begin(), order.end(), 0);
    std::stable_sort(order.begin(), order.end(), [&](int32_t a, int32_t b) {
      return rope_length(a) != rope_length(b) ? rope_length(a) < rope_length(b) : tokens(a) < tokens(b);
    });
    // The longest common prefix with each neighbour says where segments must end.
    for (size_t i = 0; i < order.size(); ++i) {
      const bool may_share = i > 0 && rope_length(order[i - 1]) == rope_length(order[i]);
      const size_t shared = may_share ? common_prefix(tokens(order[i - 1]), tokens(order[i])) : 0;
      split_path(static_cast<int64_t>(shared));
      append(order[i], static_cast<int64_t>(shared));
    }
    sort_parents_first();
    return std::move(tree_);
  }

 private:
  const std::vector<int32_t>& tokens(int32_t sample) const {
    return samples_[static_cast<size_t>(sample)].tokens;
  }

  int64_t rope_length(int32_t sample) const { return rope_lengths_[static_cast<size_t>(sample)]; }

  // Cuts the current path at `position`: the segment across it becomes two, and what lies behind leaves the
  // path.
  void split_path(int64_t position) {
    while (!path_.empty() && segment(path_.back()).begin >= position) path_.pop_back();
    if (path_.empty() || segment(path_.back()).end <= position) return;
    // Children and leaves stay with the lower half; the upper half is new.
    const int32_t lower = path_.back();
    const auto upper = static_cast<int32_t>(tree_.segments.size());
    Segment head = segment(lower);
    head.end = position;
    tree_.segments.push_back(head);
    segment(lower).parent = upper;
    segment(lower).begin = position;
    path_.back() = upper;
  }

  void append(int32_t sample, int64_t from) {
    const auto length = static_cast<int64_t>(tokens(sample).size());
    if (from < length) {
      const int32_t parent = path_.empty() ? -1 : path_.back();
      path_.push_back(static_cast<int32_t>(tree_.segments.size()));
      tree_.segments.push_back({parent, sample, from, length, rope_length(sample)});
    }
    tree_.leaf[static_cast<size_t>(sample)] = path_.back();
  }

  void sort_parents_first() {
    std::vector<int32_t> order(tree_.segments.size()), place(order.size());
    std::iota(order.begin(), order.end(), 0);
    std::stable_sort(order.begin(), order.end(),
                     [&](int32_t a, int32_t b) { return segment(a).begin < segment(b).begin; });
    for (size_t i = 0; i < order.size(); ++i) place[static_cast<size_t>(order[i])] = static_cast<int32_t>(i);
    std::vector<Segment> sorted;
    for (const int32_t old : order) {
      sorted.push_back(segment(old));
      if (sorted.back().parent >= 0) sorted.back().parent = place[static_cast<size_t>(sorted.back().parent)];
    }
    for (int32_t& leaf : tree_.leaf) leaf = place[static_cast<size_t>(leaf)];
    tree_.segments = std::move(sorted);
  }

  Segment& segment(int32_t i) { return tree_.segments[static_cast<size_t>(i)]; }

  std::span<const Sample> samples_;
  std::span<const int64_t> rope_lengths_;
  TokenTree tree_;
  std::vector<int32_t> path_;  // segments of the last sample
};

}  // namespace

TokenTree build_token_tree(std::span<const Sample> samples, std::span<const int64_t> rope_lengths) {
  return Builder(samples, rope_lengths).build();
}

TokenTree own_segments(std::span<const Sample> samples, std::span<const int64_t> rope_lengths,
                       std::span<const int64_t> begins) {
  TokenTree tree;
  for (size_t i = 0; i < samples.size(); ++i) {
    const auto number = static_cast<int32_t>(i);
    tree.leaf.push_back(number);
    tree.segments.push_back({-1, number, begins[i], std::ssize(samples[i].tokens), rope_lengths[i]});
  }
  return tree;
}

TokenTree separate_paths(std::span<const Sample> samples, std::span<const int64_t> rope_lengths,
                         std::span<const PathSpec> paths) {
  TokenTree tree;
  for (const PathSpec& path : paths) {
    const auto sample = static_cast<size_t>(path.sample);
    tree.leaf.push_back(static_cast<int32_t>(tree.segments.size()));
    tree.segments.push_back({-1, path.sample, 0, std::ssize(samples[sample].tokens), rope_lengths[sample]});
  }
  return tree;
}

}  // namespace idleheads
