#include "cuda/row_memory.h"

#include <stdexcept>

namespace idleheads::cuda {

template <typename Element>
CudaRowCache<Element>::CudaRowCache(const AttentionSpec& attention, int64_t hidden, int64_t tokens,
                                    CacheContents contents, Stream stream)
    : capacity_(tokens), kv_width_(attention.kv_width()), hidden_(hidden), stream_(stream) {
  rows_.resize(tokens * 2 * kv_width_);
  if (contents.inputs) inputs_.resize(tokens * hidden);
  if (!contents.columns || attention.heads == 0) return;
  columns.resize(attention.heads * padded_positions(tokens));
  const auto bytes = static_cast<size_t>(columns.size()) * sizeof(double);
  check(cudaMemsetAsync(columns.data(), 0, bytes, stream), "zeros");
}

template <typename Element>
std::unique_ptr<RowCache> CudaRowCache<Element>::clone() const {
  std::unique_ptr<CudaRowCache> copy(new CudaRowCache());
  copy->capacity_ = capacity_;
  copy->count_ = count_;
  copy->kv_width_ = kv_width_;
  copy->hidden_ = hidden_;
  copy->stream_ = stream_;
  const auto duplicate = [&](const auto& from, auto& to) {
    to.resize(from.size());
    const auto bytes = static_cast<size_t>(from.size()) * sizeof(*from.data());
    if (bytes > 0)
      check(cudaMemcpyAsync(to.data(), from.data(), bytes, cudaMemcpyDeviceToDevice, stream_), "a copy");
  };
  duplicate(rows_, copy->rows_);
  duplicate(inputs_, copy->inputs_);
  duplicate(columns, copy->columns);
  return copy;
}

template <typename Element>
void CudaRowCache<Element>::append(const Element* keys, int64_t stride, const float* inputs, int64_t rows) {
  if (count_ + rows > capacity_) throw std::logic_error("a cache of too few tokens");
  const size_t width = 2 * static_cast<size_t>(kv_width_) * sizeof(Element);
  if (width > 0) {
    check(cudaMemcpy2DAsync(rows_.data() + count_ * 2 * kv_width_, width, keys,
                            static_cast<size_t>(stride) * sizeof(Element), width, static_cast<size_t>(rows),
                            cudaMemcpyDeviceToDevice, stream_),
          "a copy");
  }
  if (inputs_.size() > 0) {
    const auto bytes = static_cast<size_t>(rows * hidden_) * sizeof(float);
    check(
        cudaMemcpyAsync(inputs_.data() + count_ * hidden_, inputs, bytes, cudaMemcpyDeviceToDevice, stream_),
        "a copy");
  }
  count_ += rows;
}

template class CudaRowCache<float>;
template class CudaRowCache<Bf16>;

}  // namespace idleheads::cuda
