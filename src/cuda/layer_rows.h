// The arithmetic of a layer around its attention, on chunks of rows that bound the memory of products.
#pragma once

#include <span>

#include "base/thread_pool.h"
#include "cuda/device_model.h"
#include "cuda/products.h"
#include "cuda/rope_tables.h"

namespace idleheads::cuda {

// The rows of a layer's input.
struct LayerInput {
  const float* hidden = nullptr;  // [rows, hidden]
  int64_t rows = 0;
  const int32_t* positions = nullptr;  // [rows]
  const RopeTables* ropes = nullptr;
};

template <typename Element>
class LayerRows {
 public:
  LayerRows(const ModelSpec& spec, ThreadPool& pool, Stream stream, int64_t chunk);

  // Q, K and V of all rows, as attention takes them; |v| [rows, kv_heads] unless that is nullptr.
  void project(const DeviceLayer<Element>& layer, const LayerInput& input, float* value_norms, Element* qkv);

  // Attention output, residual and MLP: row i of `next` comes from rows[i]. `bad` becomes 1 where a number is
  // not finite.
  void finish(const DeviceLayer<Element>& layer, const MaskTable& masks, std::span<const RowSource> rows,
              const float* hidden, const Element* qkv, float* next, int* bad);

  int64_t bytes() const;  // of the chunk's memory, at most

 private:
  template <typename T, typename Output>
  void multiply(Products<T>& products, const DeviceMatrix<T>& matrix, const T* x, int64_t rows, Output* y);
  // Into products32_: what the heads of the rows in sources_ add to the residual stream, without bias.
  void multiply_heads(const DeviceLayer<Element>& layer, const Element* qkv, int64_t rows);
  void apply_mlp(const MlpSpec& spec, const DeviceMlp<Element>& mlp, const Element* x, int64_t rows,
                 float* y);
  void apply_mixture(const DeviceLayer<Element>& layer, int64_t rows);

  const int64_t hidden_, chunk_;
  const ModelSpec& spec_;
  ThreadPool& pool_;
  Stream stream_;
  Products<Element> products_;
  Products<float> router_products_;

  // Of a chunk.
  DeviceBuffer<Element> narrow_, up_, activated_;
  DeviceBuffer<float> products32_, input32_;
  DeviceBuffer<uint8_t> masks_;
  DeviceBuffer<float> means_;  // of the layer's heads; empty where those that are masked give zeros
  DeviceBuffer<RowSource> sources_;
  // Of a mixture.
  DeviceBuffer<float> logits_, outputs_, expert_output_, weights_;
  DeviceBuffer<Element> expert_input_;
  DeviceBuffer<int64_t> places_, rows_of_places_;
};

}  // namespace idleheads::cuda
