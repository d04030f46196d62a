// What tensors the checkpoint of a spec holds, in the form in which it stores them.
#pragma once

#include <cstdint>
#include <vector>

#include "idleheads/model/roles.h"
#include "idleheads/model/spec.h"

namespace idleheads {

struct ExpectedTensor {
  Role role;
  bool present;  // false: the spec has no such part
  std::vector<int64_t> shape;
  int part = 0;        // number of the expert or head, for names that have it
  bool bytes = false;  // U8, else numbers
};

// Those outside of layers.
std::vector<ExpectedTensor> tensors_of_model(const ModelSpec& spec);
// Those of a layer of `spec`.
std::vector<ExpectedTensor> tensors_of_layer(const LayerSpec& layer, const ModelSpec& spec);

}  // namespace idleheads
