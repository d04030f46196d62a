// How a bound on memory is divided between weights and rows.
#pragma once

#include <cstdint>

#include "engine/backend.h"
#include "idleheads/engine/precision.h"
#include "idleheads/model/spec.h"

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
};

// Numbers in a row, of the widest of all layers.
struct Widths {
  int64_t qkv = 0, query = 0, mlp = 0, heads = 0, kv_heads = 0;
};
Widths widths_of(const ModelSpec& spec);

// Whether a layer is a mixture of experts.
bool has_experts(const ModelSpec& spec);

// Bytes of one row in flight.
int64_t row_bytes(const ModelSpec& spec);

// Weights stay in memory if a cohort worth the name fits beside them. Throws UsageError with the smallest
// sensible bound if hardly a prompt fits beside streamed ones.
MemoryPlan plan_memory(const ModelSpec& spec, const MemoryWish& wish);

// The same memory for generation: half of it for rows in flight, half for caches.
RowLimits limits_of_generation(RowLimits limits, const ModelSpec& spec);

}  // namespace idleheads
