// Rows that the processor keeps for later: suspended ones, and caches of sequences.
#pragma once

#include <memory>
#include <vector>

#include "base/matrix.h"
#include "engine/backend.h"
#include "engine/cpu/attention.h"

namespace idleheads {

struct CpuSavedRows : SavedRows {
  AlignedBuffer<float> hidden;  // [rows, hidden]
};

struct CpuRowCache : RowCache {
  std::vector<KeyCache> keys;   // [kv_heads]
  AlignedBuffer<float> inputs;  // [rows, hidden]: of the layer; empty where they are not kept
  // [heads][positions]: sums of weights (ColumnSums); empty where they are not kept.
  std::vector<std::vector<double>> columns;
  bool keeps_inputs = false, keeps_columns = false;

  std::unique_ptr<RowCache> clone() const override { return std::make_unique<CpuRowCache>(*this); }
};

}  // namespace idleheads
