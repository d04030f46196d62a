#include "engine/cpu/layer_tiles.h"

#include <algorithm>

#include "engine/cpu/ops.h"

namespace idleheads {

void LayerTiles::project(int64_t tile, std::span<const int32_t> positions, bool measure,
                         TileScratch& scratch) const {
  const int64_t first = tile * kTileRows, rows = std::min(kTileRows, std::ssize(positions) - first);
  AlignedBuffer<float>& input = scratch.narrow;
  input.resize(kTileRows * hidden_);
  for (int64_t r = 0; r < rows; ++r)
    layer_.attention_norm.apply(buffers_.hidden.data() + (first + r) * hidden_, input.data() + r * hidden_);
  std::fill(input.data() + rows * hidden_, input.data() + kTileRows * hidden_, 0.0f);
  layer_.qkv.apply(input.data(), buffers_.qkv.data() + first * layer_.attention.qkv_width());
  for (int64_t r = 0; r < rows; ++r)
    finish_qkv(first + r, positions[static_cast<size_t>(first + r)], measure);
}

void LayerTiles::finish_qkv(int64_t row, int64_t position, bool measure) const {
  const AttentionSpec& a = layer_.attention;
  const int64_t dim = a.head_dim;
  float* query = buffers_.qkv.data() + row * a.qkv_width();
  float* key = query + a.query_width();
  float* value = key + a.kv_width();
  norm_queries_and_keys(query, key);
  if (a.clip > 0) clip(a.clip, query, a.qkv_width());
  // Q and K lie side by side.
  if (!rotaries_.empty()) {
    const Rotary& rotary = *rotaries_[rotaries_.size() > 1 ? static_cast<size_t>(row) : 0];
    for (int64_t h = 0; h < a.heads + a.kv_heads; ++h) rotary.turn(query + h * dim, position);
  }
  for (int64_t h = 0; h < a.kv_heads && measure; ++h)
    buffers_.value_norms[row * a.kv_heads + h] = norm(value + h * dim, dim);
}

void LayerTiles::norm_queries_and_keys(float* query, float* key) const {
  if (!layer_.query_norm.is_there()) return;
  const AttentionSpec& a = layer_.attention;
  if (a.qk_norm_over == AttentionSpec::QkNorm::row) {
    layer_.query_norm.apply(query, query);
    layer_.key_norm.apply(key, key);
    return;
  }
  const int set = a.qk_norm_over == AttentionSpec::QkNorm::each_head ? 1 : 0;  // of weights, by head
  for (int h = 0; h < a.heads; ++h, query += a.head_dim) layer_.query_norm.apply(query, query, set * h);
  for (int h = 0; h < a.kv_heads; ++h, key += a.head_dim) layer_.key_norm.apply(key, key, set * h);
}

// [kTileRows, query_width]: zero or the mean where a head is masked, and zero after the last row.
void LayerTiles::gather_heads(const MaskTable& masks, std::span<const RowSource> rows, float* z) const {
  const AttentionSpec& a = layer_.attention;
  const int64_t width = a.query_width(), dim = a.head_dim;
  for (size_t r = 0; r < rows.size(); ++r, z += width) {
    const std::span<const uint8_t> off = masks[rows[r].mask];
    const float* source = buffers_.qkv.data() + rows[r].row * a.qkv_width();
    for (int h = 0; h < a.heads; ++h) {
      if (!off[static_cast<size_t>(h)]) {
        std::copy_n(source + h * dim, dim, z + h * dim);
      } else if (masks.means.empty()) {
        std::fill_n(z + h * dim, dim, 0.0f);
      } else {
        std::copy_n(masks.means.data() + h * dim, dim, z + h * dim);
      }
    }
  }
  std::fill_n(z, (kTileRows - std::ssize(rows)) * width, 0.0f);
}

void LayerTiles::add_to_residual(const Norm& post_norm, float* sum, float* residual) const {
  post_norm.apply(sum, sum);
  if (layer_.residual_multiplier != 1) scale(layer_.residual_multiplier, sum, hidden_);
  add(sum, residual, hidden_);
}

namespace {

std::span<const RowSource> rows_of(int64_t tile, std::span<const RowSource> rows) {
  const auto first = static_cast<size_t>(tile * kTileRows);
  return rows.subspan(first, std::min<size_t>(kTileRows, rows.size() - first));
}

}  // namespace

// Into scratch.added: what the rows' heads add to the residual stream.
void LayerTiles::multiply_heads(const MaskTable& masks, std::span<const RowSource> rows,
                                TileScratch& scratch) const {
  scratch.heads.resize(kTileRows * layer_.attention.query_width());
  gather_heads(masks, rows, scratch.heads.data());
  layer_.output.apply(scratch.heads.data(), scratch.added.data());
}

// Into next_hidden from row `first` on, and what the MLP reads of them.
void LayerTiles::attention_output(int64_t first, const MaskTable& masks, std::span<const RowSource> rows,
                                  float* mlp_inputs, TileScratch& scratch) const {
  AlignedBuffer<float>& added = scratch.added;
  const bool attends = layer_.attention.is_there();
  added.resize(kTileRows * hidden_);
  if (attends) multiply_heads(masks, rows, scratch);
  float* after = buffers_.next_hidden.data() + first * hidden_;
  for (size_t r = 0; r < rows.size(); ++r) {
    const int64_t at = static_cast<int64_t>(r) * hidden_;
    const float* before = buffers_.hidden.data() + rows[r].row * hidden_;
    std::copy_n(before, hidden_, after + at);
    if (attends) add_to_residual(layer_.attention_post_norm, added.data() + at, after + at);
    layer_.mlp_norm.apply(layer_.parallel ? before : after + at, mlp_inputs + at);
  }
}

bool LayerTiles::add_mlp(int64_t first, int64_t count, float* outputs) const {
  float* residual = buffers_.next_hidden.data() + first * hidden_;
  for (int64_t r = 0; r < count; ++r)
    add_to_residual(layer_.mlp_post_norm, outputs + r * hidden_, residual + r * hidden_);
  return all_finite(residual, count * hidden_);
}

bool LayerTiles::finish(int64_t tile, const MaskTable& masks, std::span<const RowSource> all_rows,
                        TileScratch& scratch) const {
  const std::span<const RowSource> rows = rows_of(tile, all_rows);
  AlignedBuffer<float>& inputs = scratch.narrow;
  inputs.resize(kTileRows * hidden_);
  const int64_t used = std::ssize(rows) * hidden_;
  std::fill(inputs.data() + used, inputs.data() + inputs.size(), 0.0f);
  attention_output(tile * kTileRows, masks, rows, inputs.data(), scratch);
  layer_.mlp.apply(inputs.data(), scratch.added.data(), scratch.wide);
  return add_mlp(tile * kTileRows, std::ssize(rows), scratch.added.data());
}

void LayerTiles::begin_mixture(int64_t tile, const MaskTable& masks, std::span<const RowSource> rows,
                               TileScratch& scratch) const {
  const int64_t first = tile * kTileRows;
  attention_output(first, masks, rows_of(tile, rows), buffers_.mlp_inputs.data() + first * hidden_, scratch);
}

bool LayerTiles::end_mixture(int64_t tile, int64_t rows) const {
  const int64_t first = tile * kTileRows;
  return add_mlp(first, std::min(kTileRows, rows - first), buffers_.mlp_outputs.data() + first * hidden_);
}

}  // namespace idleheads
