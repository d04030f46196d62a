// y = x W^T on the device, by cuBLASLt: one algorithm for a shape of weights, whatever the number of rows, so
// that a row's bits do not depend on the others. products.cc is the only file that includes cuBLASLt.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "cuda/device_types.h"
#include "cuda/start.h"

namespace idleheads::cuda {

// Makes products of one element type. Not for several threads at once.
template <typename Element>
class Products {
 public:
  explicit Products(Stream stream);
  ~Products();

  // y [rows, outputs] = x [rows, inputs] W^T for `weights` [outputs, inputs]; Output is float or Element.
  // Throws Error if the library has no algorithm for the shape whose bits do not depend on the number of
  // rows.
  template <typename Output>
  void apply(const Element* weights, int64_t outputs, int64_t inputs, const Element* x, int64_t rows,
             Output* y);

  // What bits depend on: "cuBLASLt 13.1".
  static std::string description();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace idleheads::cuda
