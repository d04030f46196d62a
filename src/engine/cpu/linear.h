// y = W x for tall matrices of rows, by oneDNN: weights packed once, rows in tiles of one fixed height, one
// thread a call. linear.cc is the only file that includes oneDNN.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "base/matrix.h"
#include "idleheads/engine/precision.h"

namespace idleheads {

// Rows of every product: results of a row do not depend on which rows it shares a tile with, nor on its place
// in it.
inline constexpr int64_t kTileRows = 64;
constexpr int64_t tiles_of(int64_t rows) { return (rows + kTileRows - 1) / kTileRows; }
// Rows of whole tiles that hold so many rows.
constexpr int64_t whole_tiles(int64_t rows) { return tiles_of(rows) * kTileRows; }

class Linear {
 public:
  Linear();
  // Packs `weights` [outputs, inputs] (row-major). `bias` [outputs] may be empty. Throws Error if oneDNN has
  // no implementation for this processor, std::bad_alloc if there is no memory for it.
  Linear(std::span<const float> weights, int64_t outputs, int64_t inputs, Precision precision,
         std::span<const float> bias = {});
  ~Linear();
  Linear(Linear&&) noexcept;
  Linear& operator=(Linear&&) noexcept;

  // y [kTileRows, outputs] = x [kTileRows, inputs] W^T + bias. Rows are dense. Safe from several threads;
  // runs on the calling one alone, whatever OpenMP's settings are, which stay as they are.
  void apply(const float* x, float* y) const;

  int64_t outputs() const { return outputs_; }
  int64_t inputs() const { return inputs_; }
  int64_t bytes() const;  // of the packed weights

 private:
  void try_once() const;

  struct Impl;
  std::unique_ptr<Impl> impl_;
  int64_t outputs_ = 0;
  int64_t inputs_ = 0;
};

// "oneDNN 2.6.3", and the instruction set it uses here.
std::string matmul_description();

}  // namespace idleheads
