// The arithmetic of a layer around its attention, on tiles of kTileRows rows: each is computed by one thread,
// from the residual stream to Q K V, and from z to the next layer's residual stream.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "engine/backend.h"
#include "engine/cpu/attention.h"
#include "engine/cpu/packed_model.h"
#include "engine/cpu/rotary.h"

namespace idleheads {

// Kept from run to run: fresh pages from the system cost more than the arithmetic on them.
struct RowBuffers {
  AlignedBuffer<float> hidden, next_hidden;  // [rows, hidden]: the residual stream
  AlignedBuffer<float> qkv;                  // [rows, qkv_width]; z replaces Q
  AlignedBuffer<RowStats> row_stats;         // [rows, heads]
  AlignedBuffer<float> value_norms;          // [rows, kv_heads]
};

// Of a thread.
struct TileScratch {
  AlignedBuffer<float> narrow, added, wide;
  AttentionScratch attention;
};

inline int64_t tiles_of(int64_t rows) { return (rows + kTileRows - 1) / kTileRows; }

class LayerTiles {
 public:
  // `rotary`: nullptr for layers without RoPE.
  LayerTiles(const PackedLayer& layer, int64_t hidden, const Rotary* rotary, RowBuffers& buffers)
      : layer_(layer), hidden_(hidden), rotary_(rotary), buffers_(buffers) {}

  // Norm, Q K V and RoPE of a tile of the rows, whose positions these are; with `measure` also |v|.
  void project(int64_t tile, std::span<const int32_t> positions, bool measure, TileScratch& scratch) const;

  // Attention output, residual and MLP: row i of the tile, written to next_hidden, comes from rows[i]. False
  // where a number is not finite.
  bool finish(int64_t tile, const MaskTable& masks, std::span<const RowSource> rows,
              TileScratch& scratch) const;

 private:
  void finish_qkv(int64_t row, int64_t position, bool measure) const;
  void norm_queries_and_keys(float* query, float* key) const;
  void gather_heads(const MaskTable& masks, std::span<const RowSource> rows, float* z) const;
  void add_to_residual(const Norm& post_norm, float* sum, float* residual) const;

  const PackedLayer& layer_;
  int64_t hidden_;
  const Rotary* rotary_;
  RowBuffers& buffers_;
};

}  // namespace idleheads
