// The output projections of a model whose heads are switched off: as the file has them, and with zeros in the
// columns that read these heads.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <vector>

#include "idleheads/heads/intervention.h"
#include "idleheads/model/model.h"
#include "model/stored_matrix.h"

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
  std::optional<DType> anew;  // the type it is written in where its own cannot hold the zeros

  std::vector<std::byte> zeroed() const;
};

// By where their data lie: those of the layers where a head is off. Where a head's columns share scales with
// another one's, the matrix is written anew in `requantized`, F16 or Q8_0; without it that is an Error.
using OutputMatrices = std::map<const std::byte*, OutputMatrix>;
OutputMatrices output_matrices(const Model& model, const HeadMask& mask,
                               std::optional<DType> requantized = std::nullopt);

// A tensor of the model as it is to be written: with zeros if it is one of the matrices. The bytes are made
// when they are asked for; `matrices` must live until then.
struct TensorToWrite {
  DType dtype = DType::f32;
  std::function<std::vector<std::byte>()> data;
};
TensorToWrite with_zeros(const Tensor& tensor, const OutputMatrices& matrices);

}  // namespace idleheads
