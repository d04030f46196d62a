// The output projections of a model whose heads are switched off: as the file has them, and with zeros in the
// columns that read these heads.
#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "heads/intervention.h"
#include "model/model.h"

namespace idleheads {

// Heads that are off beside each other: their columns of W_O are zero together.
struct Columns {
  int first_head = 0;
  int64_t first = 0, count = 0;
};

// W_O of a layer as the file has it.
struct OutputMatrix {
  StoredPart part;
  int64_t columns = 0;
  bool transposed = false;
  std::vector<Columns> zero;

  std::vector<std::byte> zeroed() const;
};

// By where their data lie: those of the layers where a head is off. Throws Error: a head whose columns share
// quantised blocks with another one's.
using OutputMatrices = std::map<const std::byte*, OutputMatrix>;
OutputMatrices output_matrices(const Model& model, const HeadMask& mask);

}  // namespace idleheads
