// All numbers of a layer at once but those of experts, for tests.
#pragma once

#include "model/weights.h"

namespace idleheads::reference {

struct LayerWeights : LayerVectors {
  AlignedBuffer<float> qkv, output, up, down;
};

inline LayerWeights layer_weights(const WeightReader& reader, int layer) {
  LayerWeights w = {reader.vectors(layer), {}, {}, {}, {}};
  if (reader.spec().layers[static_cast<size_t>(layer)].attention.is_there()) {
    w.qkv = reader.matrix(LayerMatrix::qkv, layer);
    w.output = reader.matrix(LayerMatrix::output, layer);
  }
  if (reader.spec().layers[static_cast<size_t>(layer)].mlp.experts > 0) return w;
  w.up = reader.matrix(LayerMatrix::up, layer);
  w.down = reader.matrix(LayerMatrix::down, layer);
  return w;
}

}  // namespace idleheads::reference
