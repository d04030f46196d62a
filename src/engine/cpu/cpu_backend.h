// The processor as a backend: matrix products by oneDNN in tiles of 64 rows, everything else by Highway.
#pragma once

#include <memory>
#include <string>

#include "base/thread_pool.h"
#include "engine/backend.h"
#include "engine/weight_source.h"
#include "idleheads/engine/precision.h"

namespace idleheads {

struct CpuOptions {
  Precision precision = fastest_precision();
  int64_t memory = 0;   // bytes of the process; 0: no bound
  int64_t rows = 0;     // in flight; 0: as many as `memory` allows
  bool stream = false;  // read weights layer by layer even where they would fit
};

// Packs the model's weights, or makes ready to stream them. What the source reads from, and the pool, must
// outlive the backend. Throws Error (packed_model.h) and UsageError (memory_plan.h).
std::unique_ptr<Backend> make_cpu_backend(std::unique_ptr<const WeightSource> source, ThreadPool& pool,
                                          const CpuOptions& options);

// "bf16 products (oneDNN 2.6.3, ...), AVX3_ZEN4 kernels": what results depend on besides the model.
std::string cpu_description(Precision precision);

}  // namespace idleheads
