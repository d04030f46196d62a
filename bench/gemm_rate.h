// What oneDNN's matrix products reach on this machine: the denominator of the engine's efficiency.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "engine/cpu/linear.h"

namespace idleheads::bench {

// Products of one layer by bare oneDNN, in the engine's tiles: random data, packed weights, inputs and
// outputs of one tile that stay in cache, no conversion.
class LayerProducts {
 public:
  struct Shape {
    int64_t outputs, inputs;
  };
  LayerProducts(const std::vector<Shape>& shapes, Precision precision);
  ~LayerProducts();
  LayerProducts(LayerProducts&&) noexcept;

  // Every product once, on the calling thread. For one thread at a time.
  void run();
  double flops() const;  // of one run

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace idleheads::bench
