// How kernels are started: <<<>>> is no C++, and the emulation of tests/emulation has another way.
#pragma once

#include <cuda_runtime_api.h>
#ifdef IDLEHEADS_CUDA_EMULATED
#include "emulation/cuda_on_host.h"
#endif

#include <cstdint>

namespace idleheads::cuda {

using Stream = cudaStream_t;

#ifdef __CUDACC__

template <typename... Parameters, typename... Arguments>
void start(void (*kernel)(Parameters...), int64_t blocks, unsigned threads, size_t shared, Stream stream,
           Arguments... arguments) {
  if (blocks == 0) return;
  constexpr size_t kWithoutAsking = 48 << 10;
  if (shared > kWithoutAsking) {
    cudaFuncSetAttribute(reinterpret_cast<const void*>(kernel), cudaFuncAttributeMaxDynamicSharedMemorySize,
                         static_cast<int>(shared));
  }
  kernel<<<static_cast<unsigned>(blocks), threads, shared, stream>>>(arguments...);
}

#elif defined(IDLEHEADS_CUDA_EMULATED)

template <typename... Parameters, typename... Arguments>
void start(void (*kernel)(Parameters...), int64_t blocks, unsigned threads, size_t shared, Stream,
           Arguments... arguments) {
  if (blocks > 0) ::launch(kernel, {static_cast<unsigned>(blocks), 1, 1}, threads, shared, arguments...);
}

#endif

}  // namespace idleheads::cuda
