// What a forward pass leaves of a sequence, so that later tokens are appended without computing it again.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "engine/backend.h"
#include "idleheads/heads/intervention.h"

namespace idleheads {

// At one layer. Sums are empty without statistics.
struct LayerCache {
  std::unique_ptr<RowCache> rows;
  std::vector<HeadSums> head_sums;       // [heads]
  std::vector<double> value_norms;       // [kv_heads]
  std::vector<float> first_value_norms;  // [kv_heads]

  LayerCache() = default;
  LayerCache(const LayerCache& other)
      : rows(other.rows->clone()),
        head_sums(other.head_sums),
        value_norms(other.value_norms),
        first_value_norms(other.first_value_norms) {}
};

// Sequences with the same tokens and masks share their layers; who appends to a shared one copies it first.
struct SequenceCache {
  int64_t tokens = 0;
  std::vector<std::shared_ptr<LayerCache>> layers;
  HeadMask mask;

  LayerCache& own(int layer) {
    std::shared_ptr<LayerCache>& cache = layers[static_cast<size_t>(layer)];
    if (cache.use_count() > 1) cache = std::make_shared<LayerCache>(*cache);
    return *cache;
  }
};

// How a forward pass of generation starts. Caches are given for each sample.
struct StartFrom {
  enum class Where {
    prompt,  // at the first token and layer; `caches` is empty
    layer,   // with all tokens at the input of `layer`, which the caches keep
    cache,   // at the first layer, with the tokens that the caches do not have; they are appended
  };
  Where where = Where::prompt;
  std::span<SequenceCache* const> caches;
  int layer = 0;
  // prompt and layer: the caches that ForwardPass::take_caches() gives have memory for so many more tokens,
  // and what a later start needs.
  int64_t reserve_tokens = 0;
  CacheContents contents = {};
};

}  // namespace idleheads
