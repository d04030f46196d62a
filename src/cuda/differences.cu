#include "cuda/device.h"
#include "cuda/differences.h"

namespace idleheads::cuda {
namespace {

constexpr unsigned kThreads = 256;

IH_DEVICE int64_t my_index() {
  return static_cast<int64_t>(blockIdx.x) * kThreads + static_cast<int>(threadIdx.x);
}

template <typename Element>
__global__ void convert_kernel(const float* x, int64_t count, Element* y) {
  if (my_index() < count) y[my_index()] = from_float<Element>(x[my_index()]);
}

__global__ void compare_kernel(const char* a, const char* b, int64_t count, double* differing) {
  if (my_index() < count && a[my_index()] != b[my_index()]) atomicAdd(differing, 1.0);
}

int64_t blocks_of(int64_t count) { return (count + kThreads - 1) / kThreads; }

}  // namespace

template <typename Element>
void convert(const float* x, int64_t count, Element* y, Stream stream) {
  start(convert_kernel<Element>, blocks_of(count), kThreads, 0, stream, x, count, y);
}
template void convert<float>(const float*, int64_t, float*, Stream);
template void convert<Bf16>(const float*, int64_t, Bf16*, Stream);

int64_t differing_bytes(const char* a, const char* b, int64_t count, Stream stream) {
  double* differing = nullptr;
  double result = 1;  // where anything fails
  if (cudaMalloc(reinterpret_cast<void**>(&differing), sizeof(double)) != cudaSuccess) return 1;
  cudaMemsetAsync(differing, 0, sizeof(double), stream);
  start(compare_kernel, blocks_of(count), kThreads, 0, stream, a, b, count, differing);
  cudaMemcpyAsync(&result, differing, sizeof(double), cudaMemcpyDeviceToHost, stream);
  cudaStreamSynchronize(stream);
  cudaFree(differing);
  return static_cast<int64_t>(result);
}

}  // namespace idleheads::cuda
