#include "engine/cohort.h"

#include <algorithm>

namespace idleheads {

Cohort::Cohort(std::span<const Sample> samples, int64_t interventions, bool sharing)
    : tree_(sharing ? build_token_tree(samples) : separate_samples(samples, interventions)) {
  for (size_t i = 0; i < tree_.segments.size(); ++i) {
    const Segment& segment = tree_.segments[i];
    // Before the first mask a segment has one variant, of the same number.
    variants_.push_back({static_cast<int32_t>(i), segment.parent, rows_});
    rows_ += segment.length();
  }
  for (size_t s = 0; s < samples.size(); ++s) {
    for (int64_t i = 0; i < interventions; ++i) {
      const size_t leaf = sharing ? s : s * static_cast<size_t>(interventions) + static_cast<size_t>(i);
      paths_.push_back({static_cast<int32_t>(s), static_cast<int32_t>(i), tree_.leaf[leaf]});
      rows_unshared_ += static_cast<int64_t>(samples[s].tokens.size());
    }
  }
}

std::vector<int32_t> Cohort::chain(int32_t variant) const {
  std::vector<int32_t> out;
  for (; variant >= 0; variant = variants_[static_cast<size_t>(variant)].parent) out.push_back(variant);
  std::reverse(out.begin(), out.end());
  return out;
}

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

}  // namespace idleheads
