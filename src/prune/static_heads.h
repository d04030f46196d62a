// Heads that are off for good: chosen by how often a rule had them off per input, and what going without them
// saves. Pure functions.
#pragma once

#include <cstdint>
#include <optional>

#include "idleheads/analysis/frequency.h"
#include "idleheads/heads/intervention.h"
#include "idleheads/studyfile/store.h"

namespace idleheads {

// The heads that were off in at least the share `at_least`, in (0, 1], of the forward passes. With `kv_heads`
// only whole KV groups, of which every head was.
FixedHeads static_heads(const HeadFrequency& frequency, double at_least,
                        std::optional<int> kv_heads = std::nullopt);

HeadMask to_mask(const FixedHeads& fixed, int layers, int heads);

// The sizes that decide what heads cost.
struct ModelSizes {
  int layers = 0, heads = 0, kv_heads = 0, head_dim = 0;
  int64_t hidden = 0;
  int64_t parameters = 0;         // all
  int64_t active_parameters = 0;  // that a token is multiplied with
};
// None if the study does not say them; studies of older versions do not.
std::optional<ModelSizes> sizes_of(const Settings& settings);

// What a model without the heads would save, if the format could hold it without them: of each head its rows
// of W_Q and columns of W_O, of each KV group that is off as a whole also its rows of W_K and W_V.
struct MaskPrice {
  int64_t heads = 0;
  int64_t groups = 0;      // KV groups that are off as a whole
  int64_t parameters = 0;  // fewer
  double kv_bytes = 0;     // fewer for each token, at 2 bytes a number
  double flops = 0;        // share of the operations for a token that reads `context` tokens, in [0, 1]
};
MaskPrice price_of(const HeadMask& mask, const ModelSizes& sizes, int64_t context);

}  // namespace idleheads
