// The backend that the tests of whole models run on: in emulation (backend_emulated.cc), or on a device by
// the program's module (backend_module.cc).
#pragma once

#include "engine/backend.h"
#include "engine/engine.h"

namespace idleheads::test {

// As Engine takes it. Few rows a product, so that rows are cut everywhere.
std::unique_ptr<Backend> cuda_backend(const Model& model, ThreadPool& pool, const EngineOptions& wanted);

}  // namespace idleheads::test
