#include "engine/row_batch.h"

#include <algorithm>
#include <map>
#include <numeric>
#include <string_view>
#include <tuple>
#include <unordered_map>
#include <utility>

namespace idleheads {
namespace {

// Which of the distinct masks each path has; they are numbered in the order in which they appear. Without
// heads all are the same.
std::vector<int32_t> number_masks(std::span<const uint8_t> masks, int heads, size_t paths, MaskTable& table) {
  table.heads = heads;
  if (heads == 0) return std::vector<int32_t>(paths, 0);
  const auto width = static_cast<size_t>(heads);
  std::unordered_map<std::string_view, int32_t> numbers;  // bytes of the first path with the mask
  std::vector<int32_t> of_path;
  for (size_t at = 0; at < masks.size(); at += width) {
    const std::span<const uint8_t> mask = masks.subspan(at, width);
    const std::string_view bytes(reinterpret_cast<const char*>(mask.data()), width);
    const auto [entry, is_new] = numbers.try_emplace(bytes, static_cast<int32_t>(numbers.size()));
    if (is_new) table.off.insert(table.off.end(), mask.begin(), mask.end());
    of_path.push_back(entry->second);
  }
  return of_path;
}

// Places of the branches where those that share most are neighbours: parents before their children, which are
// in their order.
std::vector<int32_t> places(const std::vector<Branch>& branches) {
  std::vector<int32_t> size(branches.size(), 1), next(branches.size());
  for (size_t b = branches.size(); b-- > 0;) {
    if (branches[b].parent >= 0) size[static_cast<size_t>(branches[b].parent)] += size[b];
  }
  std::vector<int32_t> place;
  int32_t next_root = 0;
  for (size_t b = 0; b < branches.size(); ++b) {
    int32_t& at = branches[b].parent >= 0 ? next[static_cast<size_t>(branches[b].parent)] : next_root;
    place.push_back(at);
    next[b] = at + 1;
    at += size[b];
  }
  return place;
}

}  // namespace

std::vector<PathSpec> all_paths(int64_t samples, int64_t interventions) {
  std::vector<PathSpec> paths;
  for (int64_t s = 0; s < samples; ++s) {
    for (int64_t i = 0; i < interventions; ++i)
      paths.push_back({static_cast<int32_t>(s), static_cast<int32_t>(i)});
  }
  return paths;
}

RowBatch::RowBatch(TokenTree tree, std::span<const PathSpec> paths, bool leaf_is_of_path)
    : tree_(std::make_shared<const TokenTree>(std::move(tree))) {
  for (size_t i = 0; i < tree_->segments.size(); ++i) {
    const Segment& segment = tree_->segments[i];
    // Before the first mask a segment has one branch, of the same number.
    branches_.push_back({static_cast<int32_t>(i), segment.parent, rows_});
    rows_ += segment.length();
  }
  for (size_t p = 0; p < paths.size(); ++p) {
    const size_t leaf = leaf_is_of_path ? p : static_cast<size_t>(paths[p].sample);
    paths_.push_back({paths[p].sample, paths[p].intervention, static_cast<int32_t>(p), tree_->leaf[leaf]});
  }
}

int64_t RowBatch::rows_unshared() const {
  int64_t rows = 0;
  for (const Path& path : paths_) rows += segment_of(branches_[static_cast<size_t>(path.branch)]).end;
  return rows;
}

int64_t RowBatch::row_of(const Path& path, int64_t position) const {
  int32_t b = path.branch;
  while (segment_of(branches_[static_cast<size_t>(b)]).begin > position)
    b = branches_[static_cast<size_t>(b)].parent;
  const Branch& branch = branches_[static_cast<size_t>(b)];
  return branch.first_row + position - segment_of(branch).begin;
}

Branching RowBatch::branch(std::span<const uint8_t> masks, int heads, ThreadPool& pool) const {
  Branching next;
  const std::vector<int32_t> mask_of_path = number_masks(masks, heads, paths_.size(), next.masks);
  std::unordered_map<uint64_t, int32_t> made;       // (branch, mask) -> new branch
  std::vector<std::pair<int32_t, int32_t>> origin;  // of the new branches: branch, mask
  std::vector<int32_t> missing;
  int64_t rows = 0;
  for (size_t p = 0; p < paths_.size(); ++p) {
    const int32_t mask = mask_of_path[p];
    const auto key = [&](int32_t b) {
      return uint64_t{static_cast<uint32_t>(b)} << 32 | static_cast<uint32_t>(mask);
    };
    int32_t parent = -1;
    missing.clear();
    for (int32_t b = paths_[p].branch; b >= 0; b = branches_[static_cast<size_t>(b)].parent) {
      if (const auto found = made.find(key(b)); found != made.end()) {
        parent = found->second;
        break;
      }
      missing.push_back(b);
    }
    for (auto b = missing.rbegin(); b != missing.rend(); ++b) {
      const Branch& old = branches_[static_cast<size_t>(*b)];
      next.branches.push_back({old.segment, parent, rows});
      rows += segment_of(old).length();
      parent = static_cast<int32_t>(origin.size());
      origin.emplace_back(*b, mask);
      made.emplace(key(*b), parent);
    }
    next.path_branches.push_back(parent);
  }
  next.rows.resize(static_cast<size_t>(rows));
  pool.parallel_for(std::ssize(origin), [&](int64_t b, int) {
    const auto [from, mask] = origin[static_cast<size_t>(b)];
    const Branch& old = branches_[static_cast<size_t>(from)];
    RowSource* row = next.rows.data() + next.branches[static_cast<size_t>(b)].first_row;
    for (int64_t i = 0; i < segment_of(old).length(); ++i) row[i] = {old.first_row + i, mask};
  });
  return next;
}

void RowBatch::advance(const Branching& branching) {
  branches_ = branching.branches;
  rows_ = static_cast<int64_t>(branching.rows.size());
  for (size_t p = 0; p < paths_.size(); ++p) paths_[p].branch = branching.path_branches[p];
}

std::vector<int64_t> RowBatch::users(std::span<const int32_t> paths) const {
  std::vector<int64_t> users(branches_.size());
  for (const int32_t p : paths) ++users[static_cast<size_t>(paths_[static_cast<size_t>(p)].branch)];
  for (size_t b = branches_.size(); b-- > 0;) {
    if (branches_[b].parent >= 0) users[static_cast<size_t>(branches_[b].parent)] += users[b];
  }
  return users;
}

std::vector<double> RowBatch::row_shares() const {
  std::vector<int32_t> all(paths_.size());
  std::iota(all.begin(), all.end(), 0);
  const std::vector<int64_t> users = this->users(all);
  std::vector<double> cost(
      branches_.size());  // of a branch's rows and those before them, to each of its users
  for (size_t b = 0; b < branches_.size(); ++b) {
    const int32_t parent = branches_[b].parent;
    cost[b] = parent >= 0 ? cost[static_cast<size_t>(parent)] : 0;
    if (users[b] > 0)
      cost[b] += static_cast<double>(segment_of(branches_[b]).length()) / static_cast<double>(users[b]);
  }
  std::vector<double> shares;
  for (const Path& path : paths_) shares.push_back(cost[static_cast<size_t>(path.branch)]);
  return shares;
}

RowBatch::Division RowBatch::divide(int64_t limit, Together together, const Branching* branching) const {
  const std::vector<Branch>& branches = branching ? branching->branches : branches_;
  const auto branch_of = [&](int32_t path) {
    const auto p = static_cast<size_t>(path);
    return branching ? branching->path_branches[p] : paths_[p].branch;
  };
  const std::vector<int32_t> place = places(branches);
  const auto place_of = [&](int32_t path) { return place[static_cast<size_t>(branch_of(path))]; };
  std::vector<int32_t> order(paths_.size());
  std::iota(order.begin(), order.end(), 0);
  std::map<int32_t, int32_t> first;  // intervention -> the first place of its paths
  if (together == Together::interventions) {
    for (const int32_t p : order) {
      int32_t& at = first.try_emplace(paths_[static_cast<size_t>(p)].intervention, place_of(p)).first->second;
      at = std::min(at, place_of(p));
    }
  }
  const auto rank = [&](int32_t path) {
    const int32_t intervention =
        together == Together::interventions ? paths_[static_cast<size_t>(path)].intervention : 0;
    const int32_t first_place = together == Together::interventions ? first.at(intervention) : 0;
    return std::tuple(first_place, intervention, place_of(path), path);
  };
  std::ranges::sort(order, {}, rank);
  Division division;
  std::vector<bool> counted(branches.size());
  int64_t rows = 0;
  for (const int32_t path : order) {
    for (int32_t b = branch_of(path); b >= 0 && !counted[static_cast<size_t>(b)];
         b = branches[static_cast<size_t>(b)].parent) {
      rows += segment_of(branches[static_cast<size_t>(b)]).length();
      counted[static_cast<size_t>(b)] = true;
    }
    (rows <= limit || division.first.empty() ? division.first : division.others).push_back(path);
  }
  return division;
}

void RowBatch::keep(std::span<const int32_t> paths) {
  std::vector<Path> kept;
  for (const int32_t p : paths) kept.push_back(paths_[static_cast<size_t>(p)]);
  paths_ = std::move(kept);
}

RowBatch RowBatch::part(std::span<const int32_t> paths, std::vector<int64_t>& rows) const {
  RowBatch part = *this;
  part.keep(paths);
  part.branches_.clear();
  rows.clear();
  std::vector<int32_t> place(branches_.size(), -1);  // of the old branches among the new ones
  std::vector<int32_t> missing;
  for (Path& path : part.paths_) {
    missing.clear();
    for (int32_t b = path.branch; b >= 0 && place[static_cast<size_t>(b)] < 0;
         b = branches_[static_cast<size_t>(b)].parent)
      missing.push_back(b);
    for (auto b = missing.rbegin(); b != missing.rend(); ++b) {
      const Branch& old = branches_[static_cast<size_t>(*b)];
      place[static_cast<size_t>(*b)] = static_cast<int32_t>(part.branches_.size());
      const int32_t parent = old.parent < 0 ? -1 : place[static_cast<size_t>(old.parent)];
      part.branches_.push_back({old.segment, parent, static_cast<int64_t>(rows.size())});
      for (int64_t i = 0; i < segment_of(old).length(); ++i) rows.push_back(old.first_row + i);
    }
    path.branch = place[static_cast<size_t>(path.branch)];
  }
  part.rows_ = static_cast<int64_t>(rows.size());
  return part;
}

}  // namespace idleheads
