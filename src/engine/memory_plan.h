// How a bound on memory is divided between weights and rows.
#pragma once

#include <cstdint>

#include "engine/descent.h"
#include "engine/linear.h"
#include "model/config.h"

namespace idleheads {

struct MemoryWish {
  Precision precision = Precision::f32;
  int threads = 1;
  int64_t memory = 0;   // bytes of the whole process; 0: no bound
  int64_t taken = 0;    // of them, by what is neither weights nor rows
  int64_t rows = 0;     // 0: as many as fit
  bool stream = false;  // even where all weights fit
};

struct MemoryPlan {
  bool stream = false;      // weights layer by layer
  int64_t fixed_bytes = 0;  // of the process, whatever the rows
  RowLimits limits;
  int64_t kept_bytes = 0;  // of what generation keeps of its paths
};

// Bytes of one row in flight.
int64_t row_bytes(const ModelConfig& config);

// Weights stay in memory if a cohort worth the name fits beside them. Throws UsageError with the smallest
// sensible bound if hardly a prompt fits beside streamed ones.
MemoryPlan plan_memory(const ModelConfig& config, const MemoryWish& wish);

// The same memory for generation: half of it for rows in flight, half for what is kept.
MemoryPlan plan_generation(MemoryPlan plan, const ModelConfig& config);

}  // namespace idleheads
