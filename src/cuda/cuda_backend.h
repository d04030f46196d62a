// A CUDA device as a backend: matrix products by cuBLASLt, everything else by kernels of this folder.
#pragma once

#include "engine/device_module.h"

namespace idleheads::cuda {

// As DeviceModule::make_backend.
std::unique_ptr<Backend> make_cuda_backend(std::unique_ptr<const WeightSource> source, ThreadPool& pool,
                                           const DeviceOptions& options);

}  // namespace idleheads::cuda
