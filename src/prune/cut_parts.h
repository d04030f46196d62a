// What cutting heads out has in common in all formats: which heads stay, and which parts of tensors they are.
#pragma once

#include <string_view>
#include <utility>
#include <vector>

#include "idleheads/heads/intervention.h"
#include "idleheads/model/model.h"
#include "prune/cut_plan.h"
#include "prune/slices.h"
#include "prune/written_model.h"

namespace idleheads {

struct CutModel {
  WrittenModel written;
  std::vector<LayerHeads> plan;  // what stayed of each layer
};

// What stays of each layer. Throws Error: heads were cut from the model already; a layer without heads that
// is the first one or the first of those with or without a window; a layer without heads whose output
// projection has a bias, which would go with it.
std::vector<LayerHeads> plan_for(const Model& model, const HeadMask& mask,
                                 EmptyLayers empty_layers = EmptyLayers::empty);

// "blk.12.attn_q.weight" is {12, "attn_q.weight"}, with "blk." before the number; outside of `layers` layers
// -1.
std::pair<int, std::string_view> parts_of(std::string_view tensor, std::string_view before, size_t layers);

// Rows of Q, K or V. `pairs`: of those that RoPE turns, whose halves lie apart, in Llama's order in GGUF
// files: pairs beside each other.
std::vector<int64_t> rows_of(const std::vector<int>& heads, int64_t head_dim, bool pairs = false);
// Columns of W_O.
std::vector<ColumnRun> columns_of(const LayerHeads& kept, int64_t head_dim);

}  // namespace idleheads
