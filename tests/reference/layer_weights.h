// All numbers of a layer at once, for tests.
#pragma once

#include "model/weights.h"

namespace idleheads::reference {

struct LayerWeights : LayerVectors {
  AlignedBuffer<float> qkv, output, up, down;
};

inline LayerWeights layer_weights(const WeightReader& reader, int layer) {
  return {reader.vectors(layer), reader.matrix(LayerMatrix::qkv, layer),
          reader.matrix(LayerMatrix::output, layer), reader.matrix(LayerMatrix::up, layer),
          reader.matrix(LayerMatrix::down, layer)};
}

}  // namespace idleheads::reference
