#include "cuda/memory.h"

#include <fmt/format.h>

#include "base/fail.h"

namespace idleheads::cuda {

void check(cudaError_t error, const char* what) {
  if (error == cudaSuccess) return;
  if (error == cudaErrorMemoryAllocation)
    throw OutOfMemory(fmt::format(
        "the device is out of memory ({}); give it more (--gpu-memory) or see what else uses it", what));
  fail("CUDA: {}: {}", what, cudaGetErrorString(error));
}

void use_device(int device) { check(cudaSetDevice(device), "the device"); }

}  // namespace idleheads::cuda
