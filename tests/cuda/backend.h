// The backend that the tests of whole models run on: in emulation (backend_emulated.cc), or on a device by
// the program's module (backend_module.cc).
#pragma once

#include "engine/device_module.h"
#include "idleheads/engine/engine.h"

namespace idleheads::test {

// Few rows a product, so that rows are cut everywhere.
inline DeviceOptions device_options(const EngineOptions& wanted) {
  DeviceOptions options;
  options.precision = wanted.precision;
  options.rows = wanted.rows;
  options.stream = wanted.stream_weights;
  options.chunk = 7;
  return options;
}

// As Engine takes it, with device_options().
std::unique_ptr<Backend> cuda_backend(const Model& model, ThreadPool& pool, const EngineOptions& wanted);

}  // namespace idleheads::test
