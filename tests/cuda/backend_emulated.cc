#include "cuda/backend.h"
#include "cuda/cuda_backend.h"

namespace idleheads::test {

std::unique_ptr<Backend> cuda_backend(const Model& model, ThreadPool& pool, const EngineOptions& wanted) {
  return cuda::make_cuda_backend(weights_of(model), pool, device_options(wanted));
}

}  // namespace idleheads::test
