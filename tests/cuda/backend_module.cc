#include "cuda/backend.h"
#include "engine/device.h"

namespace idleheads::test {

std::unique_ptr<Backend> cuda_backend(const Model& model, ThreadPool& pool, const EngineOptions& wanted) {
  return cuda_module().make_backend(weights_of(model), pool, device_options(wanted));
}

}  // namespace idleheads::test
