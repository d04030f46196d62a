// Plain row-major float matrices: memory aligned for SIMD, and views of it.
#pragma once

#include <algorithm>
#include <cassert>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <new>
#include <span>
#include <utility>

namespace idleheads {

// Uninitialised memory aligned to 64 bytes (a cache line, an AVX-512 register). T must be trivial.
template <typename T>
class AlignedBuffer {
 public:
  AlignedBuffer() = default;
  explicit AlignedBuffer(int64_t size) { resize(size); }
  // Copies have the same capacity, so that what may still grow does so without moving.
  AlignedBuffer(const AlignedBuffer& other) : AlignedBuffer(other.capacity_) {
    size_ = other.size_;
    std::copy_n(other.data(), size_, data());
  }
  AlignedBuffer(AlignedBuffer&&) noexcept = default;
  AlignedBuffer& operator=(const AlignedBuffer& other) { return *this = AlignedBuffer(other); }
  AlignedBuffer& operator=(AlignedBuffer&&) noexcept = default;

  // Grows without keeping the contents; never shrinks. Throws std::bad_alloc.
  void resize(int64_t size) {
    assert(size >= 0);
    if (size > capacity_) {
      data_.reset();
      capacity_ = 0;
      const size_t bytes = (static_cast<size_t>(size) * sizeof(T) + 63) / 64 * 64;
      data_.reset(static_cast<T*>(std::aligned_alloc(64, bytes)));
      if (!data_) throw std::bad_alloc();
      capacity_ = size;
    }
    size_ = size;
  }

  // Memory for so many elements, keeping what is there.
  void reserve(int64_t capacity) {
    if (capacity <= capacity_) return;
    AlignedBuffer larger(capacity);
    larger.size_ = size_;
    std::copy_n(data(), size_, larger.data());
    *this = std::move(larger);
  }

  // Changes the size keeping what is there; the capacity doubles, so that many small steps cost little.
  void grow(int64_t size) {
    if (size > capacity_) reserve(std::max(size, 2 * capacity_));
    size_ = size;
  }

  T* data() { return data_.get(); }
  const T* data() const { return data_.get(); }
  int64_t size() const { return size_; }
  T& operator[](int64_t i) { return data_.get()[i]; }
  const T& operator[](int64_t i) const { return data_.get()[i]; }
  std::span<T> span() { return {data_.get(), static_cast<size_t>(size_)}; }
  std::span<const T> span() const { return {data_.get(), static_cast<size_t>(size_)}; }

 private:
  struct Free {
    void operator()(T* p) const { std::free(p); }
  };
  std::unique_ptr<T[], Free> data_;
  int64_t size_ = 0;
  int64_t capacity_ = 0;
};

// A row-major matrix in somebody else's memory; row r begins at data + r * stride.
template <typename T>
struct MatrixView {
  T* data = nullptr;
  int64_t rows = 0;
  int64_t cols = 0;
  int64_t stride = 0;

  MatrixView() = default;
  MatrixView(T* first, int64_t row_count, int64_t width, int64_t between_rows)
      : data(first), rows(row_count), cols(width), stride(between_rows) {}
  MatrixView(T* first, int64_t row_count, int64_t width) : MatrixView(first, row_count, width, width) {}

  T* row(int64_t r) const {
    assert(r >= 0 && r < rows);
    return data + r * stride;
  }
  operator MatrixView<const T>() const { return {data, rows, cols, stride}; }
};

}  // namespace idleheads
