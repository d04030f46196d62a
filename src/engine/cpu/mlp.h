// The MLP of a layer: down(act(gate x) * up x), or down(act(up x)).
#pragma once

#include "engine/cpu/linear.h"
#include "idleheads/model/spec.h"

namespace idleheads {

class Mlp {
 public:
  Mlp() = default;
  // `up`: of LayerMatrix::up, gate and up one below the other if gated.
  Mlp(const MlpSpec& spec, Linear up, Linear down);

  // y = mlp(x), both [kTileRows, hidden]; `wide` is scratch.
  void apply(const float* x, float* y, AlignedBuffer<float>& wide) const;

 private:
  using Activate = void (*)(const float* gate, const float* up, float* y, int64_t count);

  MlpSpec spec_;
  Activate activate_ = nullptr;
  AlignedBuffer<float> ones_;  // in up's place where there is no gate
  Linear up_, down_;
};

}  // namespace idleheads
