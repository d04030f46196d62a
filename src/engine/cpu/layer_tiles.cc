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
  for (int64_t h = 0; h < a.heads + a.kv_heads && rotary_; ++h) rotary_->turn(query + h * dim, position);
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
  for (int h = 0; h < a.heads; ++h) layer_.query_norm.apply(query + h * a.head_dim, query + h * a.head_dim);
  for (int h = 0; h < a.kv_heads; ++h) layer_.key_norm.apply(key + h * a.head_dim, key + h * a.head_dim);
}

// Rows of query_width; heads that are masked are left out.
void LayerTiles::gather_heads(const MaskTable& masks, std::span<const RowSource> rows, float* z) const {
  const AttentionSpec& a = layer_.attention;
  const int64_t width = a.query_width(), dim = a.head_dim;
  for (size_t r = 0; r < rows.size(); ++r, z += width) {
    const std::span<const uint8_t> off = masks[rows[r].mask];
    const float* source = buffers_.qkv.data() + rows[r].row * a.qkv_width();
    for (int h = 0; h < a.heads; ++h) {
      if (!off[static_cast<size_t>(h)]) std::copy_n(source + h * dim, dim, z + h * dim);
    }
  }
}

void LayerTiles::add_to_residual(const Norm& post_norm, float* sum, float* residual) const {
  post_norm.apply(sum, sum);
  if (layer_.residual_multiplier != 1) scale(layer_.residual_multiplier, sum, hidden_);
  add(sum, residual, hidden_);
}

bool LayerTiles::finish(int64_t tile, const MaskTable& masks, std::span<const RowSource> all_rows,
                        TileScratch& scratch) const {
  const int64_t first = tile * kTileRows, count = std::min(kTileRows, std::ssize(all_rows) - first);
  const std::span<const RowSource> rows =
      all_rows.subspan(static_cast<size_t>(first), static_cast<size_t>(count));
  AlignedBuffer<float>&narrow = scratch.narrow, &added = scratch.added;
  narrow.resize(kTileRows * std::max<int64_t>(layer_.attention.query_width(), hidden_));
  added.resize(kTileRows * hidden_);
  std::ranges::fill(narrow.span(), 0.0f);
  gather_heads(masks, rows, narrow.data());
  layer_.output.apply(narrow.data(), added.data());
  float* residual = buffers_.next_hidden.data() + first * hidden_;
  for (int64_t r = 0; r < count; ++r) {
    const float* before = buffers_.hidden.data() + rows[static_cast<size_t>(r)].row * hidden_;
    float* after = residual + r * hidden_;
    std::copy_n(before, hidden_, after);
    add_to_residual(layer_.attention_post_norm, added.data() + r * hidden_, after);
    layer_.mlp_norm.apply(layer_.parallel ? before : after, narrow.data() + r * hidden_);
  }
  layer_.mlp.apply(narrow.data(), added.data(), scratch.wide);
  for (int64_t r = 0; r < count; ++r)
    add_to_residual(layer_.mlp_post_norm, added.data() + r * hidden_, residual + r * hidden_);
  return all_finite(residual, count * hidden_);
}

}  // namespace idleheads
