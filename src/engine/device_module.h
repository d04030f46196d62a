// What a device's module gives the program: the interface between libidleheads_cuda.so and what loads it
// (engine/device.h). Both must be of one build.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/thread_pool.h"
#include "engine/backend.h"
#include "engine/weight_source.h"
#include "idleheads/engine/precision.h"

namespace idleheads {

struct DeviceInfo {
  std::string name;    // "NVIDIA H100 80GB HBM3"
  int64_t memory = 0;  // bytes
  int units = 0;       // multiprocessors
  std::string reason;  // why it cannot be used; empty: it can
};

struct DeviceOptions {
  int device = 0;
  Precision precision = Precision::bf16;
  int64_t memory = 0;       // bytes of the device; 0: what is free
  int64_t host_memory = 0;  // bytes of the host for rows that wait; 0: a fixed share
  int64_t rows = 0;         // in flight; 0: as many as memory allows
  bool stream = false;      // weights layer by layer even where they would fit
  int64_t chunk = 8192;     // rows of a product
};

class DeviceModule {
 public:
  virtual ~DeviceModule() = default;

  // Throws Error with the reason where there is no driver or it is too old.
  virtual std::vector<DeviceInfo> devices() const = 0;
  // What results depend on besides the model.
  virtual std::string description(int device, Precision precision) const = 0;
  // What the source reads from, and the pool, must outlive the backend. Throws Error: no such device, a layer
  // that it cannot run, too little memory.
  virtual std::unique_ptr<Backend> make_backend(std::unique_ptr<const WeightSource> source, ThreadPool& pool,
                                                const DeviceOptions& options) const = 0;
};

// What a module has under these names, for dlsym.
using DeviceModuleBuild = const char* (*)();        // "idleheads_module_build": build_description()
using DeviceModuleGet = const DeviceModule* (*)();  // "idleheads_module"

}  // namespace idleheads
