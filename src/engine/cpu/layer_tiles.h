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
  AlignedBuffer<float> hidden, next_hidden;      // [rows, hidden]: the residual stream
  AlignedBuffer<float> qkv;                      // [rows, qkv_width]; z replaces Q
  AlignedBuffer<RowStats> row_stats;             // [rows, heads]
  AlignedBuffer<float> value_norms;              // [rows, kv_heads]
  AlignedBuffer<float> mlp_inputs, mlp_outputs;  // [rows, hidden]: of mixtures of experts
};

// Of a thread.
struct TileScratch {
  AlignedBuffer<float> narrow, heads, added, wide;
  AttentionScratch attention;
};

class LayerTiles {
 public:
  // `rotaries`: of every row, or one of all; empty for layers without RoPE.
  LayerTiles(const PackedLayer& layer, int64_t hidden, std::span<const Rotary* const> rotaries,
             RowBuffers& buffers)
      : layer_(layer), hidden_(hidden), rotaries_(rotaries), buffers_(buffers) {}

  // Norm, Q K V and RoPE of a tile of the rows, whose positions these are; with `measure` also |v|.
  void project(int64_t tile, std::span<const int32_t> positions, bool measure, TileScratch& scratch) const;

  // Attention output, residual and MLP: row i, written to next_hidden, comes from rows[i]. False where a
  // number is not finite.
  bool finish(int64_t tile, const MaskTable& masks, std::span<const RowSource> rows,
              TileScratch& scratch) const;

  // The same around a mixture of experts, which is for all rows at a time: what comes before it, into
  // next_hidden and mlp_inputs; and what comes after it, from mlp_outputs.
  void begin_mixture(int64_t tile, const MaskTable& masks, std::span<const RowSource> rows,
                     TileScratch& scratch) const;
  bool end_mixture(int64_t tile, int64_t rows) const;

 private:
  void finish_qkv(int64_t row, int64_t position, bool measure) const;
  void norm_queries_and_keys(float* query, float* key) const;
  void gather_heads(const MaskTable& masks, std::span<const RowSource> rows, float* z) const;
  void attention_output(int64_t first, const MaskTable& masks, std::span<const RowSource> rows,
                        float* mlp_inputs, TileScratch& scratch) const;
  void multiply_heads(const MaskTable& masks, std::span<const RowSource> rows, TileScratch& scratch) const;
  bool add_mlp(int64_t first, int64_t count, float* outputs) const;
  void add_to_residual(const Norm& post_norm, float* sum, float* residual) const;

  const PackedLayer& layer_;
  int64_t hidden_;
  std::span<const Rotary* const> rotaries_;
  RowBuffers& buffers_;
};

}  // namespace idleheads
