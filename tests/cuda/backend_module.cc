#include "cuda/backend.h"
#include "engine/device.h"

namespace idleheads::test {

std::unique_ptr<Backend> cuda_backend(const Model& model, ThreadPool& pool, const EngineOptions& wanted) {
  DeviceOptions options;
  options.precision = wanted.precision;
  options.rows = wanted.rows;
  options.stream = wanted.stream_weights;
  options.chunk = 7;
  return cuda_module().make_backend(weights_of(model), pool, options);
}

}  // namespace idleheads::test
