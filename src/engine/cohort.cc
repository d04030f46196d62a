#include "engine/cohort.h"

#include <algorithm>
#include <map>
#include <numeric>
#include <tuple>
#include <utility>

namespace idleheads {
namespace {

std::vector<int32_t> chain_of(const std::vector<Variant>& variants, int32_t variant) {
  std::vector<int32_t> out;
  for (; variant >= 0; variant = variants[static_cast<size_t>(variant)].parent) out.push_back(variant);
  std::reverse(out.begin(), out.end());
  return out;
}

}  // namespace

Cohort::Cohort(std::span<const Sample> samples, int64_t interventions, bool sharing)
    : Cohort(sharing ? build_token_tree(samples) : separate_samples(samples, interventions),
             static_cast<int64_t>(samples.size()), interventions) {}

Cohort::Cohort(TokenTree tree, int64_t samples, int64_t interventions)
    : tree_(std::make_shared<const TokenTree>(std::move(tree))) {
  for (size_t i = 0; i < tree_->segments.size(); ++i) {
    const Segment& segment = tree_->segments[i];
    // Before the first mask a segment has one variant, of the same number.
    variants_.push_back({static_cast<int32_t>(i), segment.parent, rows_});
    rows_ += segment.length();
  }
  const bool leaf_of_sample = static_cast<int64_t>(tree_->leaf.size()) == samples;
  for (int64_t s = 0; s < samples; ++s) {
    for (int64_t i = 0; i < interventions; ++i) {
      const auto number = static_cast<int32_t>(paths_.size());
      const int64_t leaf = leaf_of_sample ? s : number;
      paths_.push_back(
          {static_cast<int32_t>(s), static_cast<int32_t>(i), number, tree_->leaf[static_cast<size_t>(leaf)]});
    }
  }
}

int64_t Cohort::rows_unshared() const {
  int64_t rows = 0;
  for (const Path& path : paths_) rows += segment_of(variants_[static_cast<size_t>(path.variant)]).end;
  return rows;
}

std::vector<int32_t> Cohort::chain(int32_t variant) const { return chain_of(variants_, variant); }

int64_t Cohort::row_of(const Path& path, int64_t position) const {
  int32_t v = path.variant;
  while (segment_of(variants_[static_cast<size_t>(v)]).begin > position)
    v = variants_[static_cast<size_t>(v)].parent;
  const Variant& variant = variants_[static_cast<size_t>(v)];
  return variant.first_row + position - segment_of(variant).begin;
}

Step Cohort::branch(const std::vector<std::vector<uint8_t>>& path_masks) const {
  Step step;
  std::map<std::vector<uint8_t>, int32_t> mask_numbers;
  std::map<std::pair<int32_t, int32_t>, int32_t> branches;  // (old variant, mask) -> new variant
  for (size_t p = 0; p < paths_.size(); ++p) {
    const auto [mask, is_new] =
        mask_numbers.try_emplace(path_masks[p], static_cast<int32_t>(step.masks.size()));
    if (is_new) step.masks.push_back(path_masks[p]);
    int32_t parent = -1;
    for (const int32_t old : chain(paths_[p].variant)) {
      const auto [branch, added] =
          branches.try_emplace({old, mask->second}, static_cast<int32_t>(step.variants.size()));
      if (added) {
        const Variant& source = variants_[static_cast<size_t>(old)];
        step.variants.push_back({source.segment, parent, static_cast<int64_t>(step.rows.size())});
        for (int64_t i = 0; i < segment_of(source).length(); ++i) {
          step.rows.push_back({source.first_row + i, mask->second});
        }
      }
      parent = branch->second;
    }
    step.path_variants.push_back(parent);
  }
  return step;
}

void Cohort::advance(const Step& step) {
  variants_ = step.variants;
  rows_ = static_cast<int64_t>(step.rows.size());
  for (size_t p = 0; p < paths_.size(); ++p) paths_[p].variant = step.path_variants[p];
}

std::vector<double> Cohort::row_shares() const {
  std::vector<int64_t> users(variants_.size());
  for (const Path& path : paths_) {
    for (const int32_t v : chain(path.variant)) ++users[static_cast<size_t>(v)];
  }
  std::vector<double> shares;
  for (const Path& path : paths_) {
    double rows = 0;
    for (const int32_t v : chain(path.variant)) {
      rows += static_cast<double>(segment_of(variants_[static_cast<size_t>(v)]).length()) /
              static_cast<double>(users[static_cast<size_t>(v)]);
    }
    shares.push_back(rows);
  }
  return shares;
}

Cohort::Division Cohort::divide(int64_t limit, Together together, const Step* step) const {
  const std::vector<Variant>& variants = step ? step->variants : variants_;
  std::vector<std::vector<int32_t>> chains;  // from the root: in their order, those that share are neighbours
  std::map<int32_t, const std::vector<int32_t>*> first_chains;  // of interventions
  for (size_t p = 0; p < paths_.size(); ++p)
    chains.push_back(chain_of(variants, step ? step->path_variants[p] : paths_[p].variant));
  for (size_t p = 0; p < paths_.size() && together == Together::interventions; ++p) {
    const std::vector<int32_t>*& first =
        first_chains.try_emplace(paths_[p].intervention, &chains[p]).first->second;
    if (chains[p] < *first) first = &chains[p];
  }
  std::vector<int32_t> order(paths_.size());
  std::iota(order.begin(), order.end(), 0);
  std::ranges::sort(order, [&](int32_t a, int32_t b) {
    const int32_t x = paths_[static_cast<size_t>(a)].intervention,
                  y = paths_[static_cast<size_t>(b)].intervention;
    if (together == Together::interventions && x != y)
      return std::tie(*first_chains.at(x), x) < std::tie(*first_chains.at(y), y);
    return std::tie(chains[static_cast<size_t>(a)], a) < std::tie(chains[static_cast<size_t>(b)], b);
  });
  Division division;
  std::vector<bool> counted(variants.size());
  int64_t rows = 0;
  for (const int32_t path : order) {
    for (const int32_t v : chains[static_cast<size_t>(path)]) {
      if (!counted[static_cast<size_t>(v)]) rows += segment_of(variants[static_cast<size_t>(v)]).length();
      counted[static_cast<size_t>(v)] = true;
    }
    (rows <= limit || division.first.empty() ? division.first : division.others).push_back(path);
  }
  return division;
}

void Cohort::keep(std::span<const int32_t> paths) {
  std::vector<Path> kept;
  for (const int32_t p : paths) kept.push_back(paths_[static_cast<size_t>(p)]);
  paths_ = std::move(kept);
}

Cohort Cohort::part(std::span<const int32_t> paths, std::vector<int64_t>& rows) const {
  Cohort part = *this;
  part.keep(paths);
  part.variants_.clear();
  rows.clear();
  std::vector<int32_t> place(variants_.size(), -1);  // of the old variants among the new ones
  for (Path& path : part.paths_) {
    for (const int32_t v : chain(path.variant)) {
      int32_t& at = place[static_cast<size_t>(v)];
      if (at >= 0) continue;
      at = static_cast<int32_t>(part.variants_.size());
      const Variant& old = variants_[static_cast<size_t>(v)];
      const int32_t parent = old.parent < 0 ? -1 : place[static_cast<size_t>(old.parent)];
      part.variants_.push_back({old.segment, parent, static_cast<int64_t>(rows.size())});
      for (int64_t i = 0; i < segment_of(old).length(); ++i) rows.push_back(old.first_row + i);
    }
    path.variant = place[static_cast<size_t>(path.variant)];
  }
  part.rows_ = static_cast<int64_t>(rows.size());
  return part;
}

}  // namespace idleheads
