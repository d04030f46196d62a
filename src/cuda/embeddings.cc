#include "cuda/embeddings.h"

#include <algorithm>
#include <cstring>

#include "base/matrix.h"
#include "cuda/decode.h"
#include "cuda/rows.h"

namespace idleheads::cuda {

Embeddings::Embeddings(const WeightSource& source, ThreadPool& pool, Stream stream, int64_t chunk)
    : source_(source),
      pool_(pool),
      stream_(stream),
      chunk_(chunk),
      table_(source.stored_embeddings()),
      row_bytes_(std::ssize(table_.parts.front().data) / table_.parts.front().rows),
      ignored_(1) {
  const AlignedBuffer<float> of_positions = source.position_embeddings();
  of_positions_.resize(of_positions.size());
  upload(of_positions.span(), of_positions_.data(), stream_);
}

int64_t Embeddings::bytes() const {
  return chunk_ * (row_bytes_ + (table_.columns + 1) * static_cast<int64_t>(sizeof(float))) +
         of_positions_.size() * static_cast<int64_t>(sizeof(float));
}

void Embeddings::gather(std::span<const int32_t> tokens) {
  const std::byte* table = table_.parts.front().data.data();
  gathered_.resize(std::ssize(tokens) * row_bytes_);
  pool_.parallel_for(std::ssize(tokens), [&](int64_t i, int) {
    std::memcpy(gathered_.data() + i * row_bytes_, table + tokens[static_cast<size_t>(i)] * row_bytes_,
                static_cast<size_t>(row_bytes_));
  });
}

void Embeddings::look_up(std::span<const int32_t> tokens, std::span<const int32_t> positions, float* hidden) {
  const ModelSpec& spec = source_.spec();
  for (int64_t first = 0; first < std::ssize(tokens); first += chunk_) {
    const int64_t count = std::min(chunk_, std::ssize(tokens) - first);
    const auto of_chunk = [&](std::span<const int32_t> of_rows) {
      return of_rows.subspan(static_cast<size_t>(first), static_cast<size_t>(count));
    };
    gather(of_chunk(tokens));
    encoded_.resize(gathered_.size());
    decoded_.resize(count * spec.hidden);
    positions_.resize(count);
    upload(std::span<const std::byte>(gathered_.span()), reinterpret_cast<std::byte*>(encoded_.data()),
           stream_);
    upload(of_chunk(positions), positions_.data(), stream_);
    const EncodedPart rows = {.dtype = table_.parts.front().dtype, .data = encoded_.data(), .rows = count};
    decode(rows, spec.hidden, false, nullptr, decoded_.data(), ignored_.data(), stream_);
    embed_rows({decoded_.data(), spec.embedding_multiplier, of_positions_.data(), positions_.data()},
               spec.hidden, count, hidden + first * spec.hidden, stream_);
  }
  source_.forget(table_);
}

}  // namespace idleheads::cuda
