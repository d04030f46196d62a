// What must hold of the tensors of any file that a parser accepts.
#pragma once

#include <cstdlib>
#include <span>
#include <vector>

#include "format/tensor.h"

namespace idleheads {

// Stops the program, as a fuzz target reports a finding, if a tensor's data, shape and type contradict each
// other. Decodes the tensors, so that the sanitizer sees every byte of their data read.
inline void check_tensors(const std::vector<Tensor>& tensors) {
  for (const Tensor& tensor : tensors) {
    const DTypeInfo& info = dtype_info(tensor.dtype);
    const auto size = static_cast<int64_t>(tensor.data.size());
    if (tensor.elements() != size / info.block_bytes * info.block_elements) std::abort();
    std::vector<float> values(static_cast<size_t>(tensor.elements()));
    dequantize(tensor.dtype, tensor.data, values);
  }
}

}  // namespace idleheads
