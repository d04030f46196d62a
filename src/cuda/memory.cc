#include "cuda/memory.h"

namespace idleheads::cuda {

void check(cudaError_t error, const char* what) {
  if (error == cudaSuccess) return;
  if (error == cudaErrorMemoryAllocation) throw OutOfMemory("the device is out of memory");
  fail("CUDA: {}: {}", what, cudaGetErrorString(error));
}

void use_device(int device) { check(cudaSetDevice(device), "the device"); }

}  // namespace idleheads::cuda
