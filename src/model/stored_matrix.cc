#include "model/stored_matrix.h"

#include <algorithm>

#include "base/mapped_file.h"

namespace idleheads {
namespace {

// Of a transposed part, decoded at a time: a cache line's numbers of a row of the matrix.
constexpr int64_t kColumns = 16;

std::span<const std::byte> bytes_of(std::span<const std::byte> data, int64_t elements_each,
                                    int64_t bytes_each, int64_t first, int64_t count) {
  return data.subspan(static_cast<size_t>(first / elements_each * bytes_each),
                      static_cast<size_t>(count / elements_each * bytes_each));
}

// Elements [first, first + out.size()) of the part, whole blocks.
void decode_elements(const StoredPart& part, int64_t first, std::span<float> out) {
  constexpr int64_t kOfAScale = 32;
  const int64_t count = std::ssize(out);
  if (!part.scales.empty()) {
    return dequantize_mxfp4(bytes_of(part.data, 2, 1, first, count),
                            bytes_of(part.scales, kOfAScale, 1, first, count), out);
  }
  const DTypeInfo& info = dtype_info(part.dtype);
  dequantize(part.dtype, bytes_of(part.data, info.block_elements, info.block_bytes, first, count), out);
}

class PartDecoder {
 public:
  // `first`: the part's first row among those of all parts.
  PartDecoder(const StoredMatrix& matrix, const StoredPart& part, int64_t first, AlignedBuffer<float>& out)
      : matrix_(matrix), part_(part), first_(first), out_(out) {}

  void decode() {
    if (matrix_.transposed)
      decode_transposed();
    else if (matrix_.order.empty())
      decode_elements(part_, 0, {row(0), static_cast<size_t>(part_.rows * matrix_.columns)});
    else
      decode_ordered();
  }

 private:
  float* row(int64_t r) {
    const int64_t place = first_ + r;
    return out_.data() +
           (matrix_.order.empty() ? place : matrix_.order[static_cast<size_t>(place)]) * matrix_.columns;
  }

  // Rows one by one into their places; those of vectors are no whole blocks, and all are decoded first.
  void decode_ordered() {
    const int64_t columns = matrix_.columns;
    if (columns > 1) {
      for (int64_t r = 0; r < part_.rows; ++r)
        decode_elements(part_, r * columns, {row(r), static_cast<size_t>(columns)});
      return;
    }
    std::vector<float> numbers(static_cast<size_t>(part_.rows));
    decode_elements(part_, 0, numbers);
    for (int64_t r = 0; r < part_.rows; ++r) *row(r) = numbers[static_cast<size_t>(r)];
  }

  void decode_transposed() {
    std::vector<float> columns(static_cast<size_t>(kColumns * part_.rows));
    for (int64_t c = 0; c < matrix_.columns; c += kColumns) {
      const int64_t count = std::min(kColumns, matrix_.columns - c);
      decode_elements(part_, c * part_.rows,
                      std::span(columns).first(static_cast<size_t>(count * part_.rows)));
      for (int64_t r = 0; r < part_.rows; ++r) {
        float* to = row(r) + c;
        for (int64_t i = 0; i < count; ++i) to[i] = columns[static_cast<size_t>(i * part_.rows + r)];
      }
    }
  }

  const StoredMatrix& matrix_;
  const StoredPart& part_;
  const int64_t first_;
  AlignedBuffer<float>& out_;
};

void forget(const StoredPart& part) {
  forget_pages(part.data);
  forget_pages(part.scales);
}

}  // namespace

AlignedBuffer<float> decode(const StoredMatrix& matrix) {
  AlignedBuffer<float> out(matrix.rows() * matrix.columns);
  int64_t first = 0;
  for (const StoredPart& part : matrix.parts) {
    PartDecoder(matrix, part, first, out).decode();
    forget(part);
    first += part.rows;
  }
  return out;
}

void forget(const StoredMatrix& matrix) {
  for (const StoredPart& part : matrix.parts) forget(part);
}

}  // namespace idleheads
