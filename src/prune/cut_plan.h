// What is left of each layer's heads where heads are cut out of a model. A pure function.
#pragma once

#include <vector>

#include "idleheads/heads/intervention.h"

namespace idleheads {

// Heads by their numbers in the model, ascending.
struct LayerHeads {
  std::vector<int> heads;     // query heads that stay, equally many of each KV head that stays
  std::vector<int> kv_heads;  // that stay
  std::vector<int> zeroed;    // of `heads`: off, but kept because others of the layer need as many
};

// A KV head goes when all query heads that read it are off. Programs want the same number of query heads for
// each KV head of a layer, so that a group with fewer keeps some that are off, with zeros in W_O. A layer
// whose heads are all off is left without any; or, where its attention has a bias to add, with its first head
// alone.
enum class EmptyLayers { empty, keep_a_head };
std::vector<LayerHeads> plan_cut(const HeadMask& mask, int kv_heads,
                                 EmptyLayers empty_layers = EmptyLayers::empty);

// The heads of the mask that are cut out, of those that are off.
int64_t cut_heads(const std::vector<LayerHeads>& plan, const HeadMask& mask);

}  // namespace idleheads
