// What a forward pass of generation takes from earlier ones and leaves for later ones.
#include <algorithm>
#include <map>

#include "engine/forward_pass.h"

namespace idleheads {

SequenceCache& ForwardPass::cache_of(const Branch& branch) const {
  return *start_->caches[static_cast<size_t>(batch_.segment_of(branch).sample)];
}

// At a layer: its rows, and what the paths have already of their caches.
void ForwardPass::begin_caches(Suspended& first) {
  if (appends()) return;
  caches_.resize(results_.size());
  for (const Path& path : first.batch.paths()) {
    const auto number = static_cast<size_t>(path.number);
    caches_[number].tokens = std::ssize(samples_[static_cast<size_t>(path.sample)].tokens);
    caches_[number].layers.resize(spec_.layers.size());
    if (start_->where != StartFrom::Where::layer) continue;
    const SequenceCache& before = *start_->caches[static_cast<size_t>(path.sample)];
    std::copy_n(before.layers.begin(), start_->layer, caches_[number].layers.begin());
    results_[number].mask = before.mask;
  }
  if (start_->where != StartFrom::Where::layer) return;
  first.layer = start_->layer;
  std::vector<const RowCache*> inputs;
  for (const Branch& branch : first.batch.branches()) {
    const auto sample = static_cast<size_t>(first.batch.segment_of(branch).sample);
    inputs.push_back(start_->caches[sample]->layers[static_cast<size_t>(first.layer)]->rows.get());
  }
  first.rows = backend_.cached_inputs(inputs);
}

void ForwardPass::append_rows(int layer) {
  if (!appends()) return append_whole_paths(layer);
  std::vector<CacheAppend> list;
  for (const Branch& branch : batch_.branches()) {
    const auto run = static_cast<int32_t>(list.size());
    list.push_back({run, false, cache_of(branch).layers[static_cast<size_t>(layer)]->rows.get()});
  }
  backend_.append(list);
}

// New caches; paths with the same branch have one together.
void ForwardPass::append_whole_paths(int layer) {
  std::map<int32_t, std::shared_ptr<LayerCache>> by_leaf;
  for (const Path& path : batch_.paths()) {
    std::shared_ptr<LayerCache>& cache = by_leaf[path.branch];
    if (!cache) cache = std::make_shared<LayerCache>();
    caches_[static_cast<size_t>(path.number)].layers[static_cast<size_t>(layer)] = cache;
  }
  std::vector<CacheAppend> list;
  for (auto& [leaf, cache] : by_leaf) {
    const int64_t tokens = batch_.segment_of(batch_.branches()[static_cast<size_t>(leaf)]).end;
    cache->rows = backend_.make_cache(layer, tokens + start_->reserve_tokens, start_->contents);
    list.push_back({leaf, true, cache->rows.get()});
  }
  backend_.append(list);
}

void ForwardPass::cache_sums(int layer) {
  for (const Path& path : batch_.paths()) {
    const Branch& leaf = batch_.branches()[static_cast<size_t>(path.branch)];
    SequenceCache& of_path = appends() ? cache_of(leaf) : caches_[static_cast<size_t>(path.number)];
    LayerCache& cache = *of_path.layers[static_cast<size_t>(layer)];
    const auto copy = [](const auto& from, auto& to) { to.assign(from.begin(), from.end()); };
    copy(sums_.heads_of(path.branch), cache.head_sums);
    copy(sums_.values_of(path.branch), cache.value_norms);
    copy(sums_.first_norms_of(path.branch), cache.first_value_norms);
  }
}

// Paths whose mask changes what the caches hold of the layers above are dropped.
void ForwardPass::drop_changed(int layer) {
  std::vector<int32_t> staying;
  for (size_t p = 0; p < batch_.paths().size(); ++p) {
    const Path& path = batch_.paths()[p];
    const SequenceCache& cache = cache_of(batch_.branches()[static_cast<size_t>(path.branch)]);
    const HeadMask& mask = results_[static_cast<size_t>(path.number)].mask;
    if (std::ranges::equal(mask.layer(layer), cache.mask.layer(layer))) {
      staying.push_back(static_cast<int32_t>(p));
    } else {
      mask_changes_.push_back({path.number, layer});
    }
  }
  batch_.keep(staying);
}

}  // namespace idleheads
