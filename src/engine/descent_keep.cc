// What a descent of generation takes from earlier ones and leaves for later ones.
#include <algorithm>
#include <map>

#include "engine/descent.h"

namespace idleheads {

KeptPath& Descent::kept_of(const Variant& variant) const {
  return *beginning_->kept[static_cast<size_t>(cohort_.segment_of(variant).sample)];
}

// The chosen paths, their hidden rows if they begin at a layer, and what they have already of what is kept.
void Descent::begin_kept(Waiting& first) {
  if (!beginning_->paths.empty()) {
    std::vector<int64_t> rows;
    first.cohort = all_.part(beginning_->paths, rows);
  }
  if (is_behind()) return;
  kept_.resize(results_.size());
  for (const Path& path : first.cohort.paths()) {
    const auto number = static_cast<size_t>(path.number);
    kept_[number].rows = static_cast<int64_t>(samples_[static_cast<size_t>(path.sample)].tokens.size());
    kept_[number].layers.resize(static_cast<size_t>(config_.layers));
    if (beginning_->where != Beginning::Where::layer) continue;
    const KeptPath& before = *beginning_->kept[static_cast<size_t>(path.sample)];
    std::copy_n(before.layers.begin(), beginning_->layer, kept_[number].layers.begin());
    results_[number].mask = before.mask;
  }
  if (beginning_->where != Beginning::Where::layer) return;
  first.layer = beginning_->layer;
  first.hidden.resize(first.cohort.rows() * config_.hidden);
  for (const Variant& variant : first.cohort.variants()) {
    const auto sample = static_cast<size_t>(first.cohort.segment_of(variant).sample);
    const KeptLayer& layer = *beginning_->kept[sample]->layers[static_cast<size_t>(first.layer)];
    std::copy_n(layer.hidden.data(), layer.hidden.size(),
                first.hidden.data() + variant.first_row * config_.hidden);
  }
}

// Keys, values and the residual stream at the layer's input: of whole paths, or of the rows behind what is
// kept.
void Descent::keep_rows(int layer) {
  const auto& variants = cohort_.variants();
  const auto append = [&](int32_t variant, std::span<const int32_t> chain, KeptLayer& kept) {
    for (int group = 0; group < config_.kv_heads; ++group) {
      append_keys(key_runs(variant, group), config_.qkv_width(), config_.head_dim, weights_.bf16_attention,
                  kept.keys[static_cast<size_t>(group)]);
    }
    if (!beginning_->keep_hidden) return;
    for (const int32_t v : chain) {
      const Variant& part = variants[static_cast<size_t>(v)];
      const int64_t there = kept.hidden.size();
      const int64_t more = cohort_.segment_of(part).length() * config_.hidden;
      kept.hidden.grow(there + more);
      std::copy_n(workspace_.hidden.data() + part.first_row * config_.hidden, more,
                  kept.hidden.data() + there);
    }
  };
  if (is_behind()) {
    for (const Variant& variant : variants) kept_of(variant).own(layer);
    pool_.parallel_for(static_cast<int64_t>(variants.size()), [&](int64_t v, int) {
      const auto number = static_cast<int32_t>(v);
      append(number, std::span(&number, 1),
             *kept_of(variants[static_cast<size_t>(v)]).layers[static_cast<size_t>(layer)]);
    });
    return;
  }
  std::map<int32_t, std::shared_ptr<KeptLayer>> by_leaf;
  for (const Path& path : cohort_.paths()) {
    std::shared_ptr<KeptLayer>& kept = by_leaf[path.variant];
    if (!kept) kept = std::make_shared<KeptLayer>();
    kept_[static_cast<size_t>(path.number)].layers[static_cast<size_t>(layer)] = kept;
  }
  const std::vector<std::pair<int32_t, std::shared_ptr<KeptLayer>>> leaves(by_leaf.begin(), by_leaf.end());
  pool_.parallel_for(static_cast<int64_t>(leaves.size()), [&](int64_t i, int) {
    const auto& [leaf, kept] = leaves[static_cast<size_t>(i)];
    const int64_t rows = cohort_.segment_of(variants[static_cast<size_t>(leaf)]).end + beginning_->room;
    kept->keys.resize(static_cast<size_t>(config_.kv_heads));
    for (KeyCache& cache : kept->keys) reserve_keys(rows, config_.head_dim, weights_.bf16_attention, cache);
    if (beginning_->keep_hidden) kept->hidden.reserve(rows * config_.hidden);
    append(leaf, cohort_.chain(leaf), *kept);
  });
}

void Descent::keep_sums(int layer) {
  for (const Path& path : cohort_.paths()) {
    const Variant& leaf = cohort_.variants()[static_cast<size_t>(path.variant)];
    KeptPath& of_path = is_behind() ? kept_of(leaf) : kept_[static_cast<size_t>(path.number)];
    KeptLayer& kept = *of_path.layers[static_cast<size_t>(layer)];
    const HeadSums* sums = head_sums_.data() + path.variant * config_.heads;
    kept.head_sums.assign(sums, sums + config_.heads);
    const double* values = value_sums_.data() + path.variant * config_.kv_heads;
    kept.value_sums.assign(values, values + config_.kv_heads);
    if (is_behind()) continue;
    const float* norms = workspace_.value_norms.data() + cohort_.row_of(path, 0) * config_.kv_heads;
    kept.first_value_norms.assign(norms, norms + config_.kv_heads);
  }
}

// Paths whose mask changes what is kept of the layers above leave.
void Descent::let_go(int layer) {
  std::vector<int32_t> staying;
  for (size_t p = 0; p < cohort_.paths().size(); ++p) {
    const Path& path = cohort_.paths()[p];
    const KeptPath& kept = kept_of(cohort_.variants()[static_cast<size_t>(path.variant)]);
    const HeadMask& mask = results_[static_cast<size_t>(path.number)].mask;
    if (std::ranges::equal(mask.layer(layer), kept.mask.layer(layer))) {
      staying.push_back(static_cast<int32_t>(p));
    } else {
      departures_.push_back({path.number, layer});
    }
  }
  cohort_.keep(staying);
}

}  // namespace idleheads
