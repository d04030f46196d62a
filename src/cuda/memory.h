// Memory of the device and of the host that a device copies from.
#pragma once

#include <cuda_runtime_api.h>

#include <algorithm>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "cuda/start.h"
#include "idleheads/base/error.h"

namespace idleheads::cuda {

// Throws Error, or OutOfMemory (base/error.h), with what was tried.
void check(cudaError_t error, const char* what);

// Of this thread: what it allocates and starts is on this device.
void use_device(int device);

enum class Place { device, pinned };

// Uninitialised memory that grows and never shrinks. T must be trivial.
template <typename T, Place place = Place::device>
class Buffer {
 public:
  Buffer() = default;
  explicit Buffer(int64_t size) { resize(size); }
  ~Buffer() { free(); }
  Buffer(Buffer&& other) noexcept
      : data_(std::exchange(other.data_, nullptr)),
        size_(std::exchange(other.size_, 0)),
        capacity_(std::exchange(other.capacity_, 0)) {}
  Buffer& operator=(Buffer&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    std::swap(capacity_, other.capacity_);
    return *this;
  }

  // Keeps nothing of the contents where it grows.
  void resize(int64_t size) {
    if (size > capacity_) {
      free();
      const auto bytes = static_cast<size_t>(size) * sizeof(T);
      void* memory = nullptr;
      check(place == Place::device ? cudaMalloc(&memory, bytes) : cudaMallocHost(&memory, bytes),
            place == Place::device ? "memory" : "pinned memory of the host");
      data_ = static_cast<T*>(memory);
      capacity_ = size;
    }
    size_ = size;
  }

  T* data() { return data_; }
  const T* data() const { return data_; }
  int64_t size() const { return size_; }
  std::span<T> span() { return {data_, static_cast<size_t>(size_)}; }

 private:
  void free() {
    if (data_ != nullptr) place == Place::device ? cudaFree(data_) : cudaFreeHost(data_);
    data_ = nullptr;
    size_ = capacity_ = 0;
  }

  T* data_ = nullptr;
  int64_t size_ = 0, capacity_ = 0;
};

template <typename T>
using DeviceBuffer = Buffer<T, Place::device>;
template <typename T>
using PinnedBuffer = Buffer<T, Place::pinned>;

// A stream of its own.
class OwnStream {
 public:
  OwnStream() { check(cudaStreamCreate(&stream_), "a stream"); }
  ~OwnStream() { cudaStreamDestroy(stream_); }
  OwnStream(const OwnStream&) = delete;
  OwnStream& operator=(const OwnStream&) = delete;

  operator Stream() const { return stream_; }
  // Errors of kernels come out here.
  void wait() const { check(cudaStreamSynchronize(stream_), "a kernel"); }

 private:
  Stream stream_ = {};
};

// A place in a stream that the host can wait for.
class OwnEvent {
 public:
  OwnEvent() { check(cudaEventCreateWithFlags(&event_, cudaEventDisableTiming), "an event"); }
  ~OwnEvent() { cudaEventDestroy(event_); }
  OwnEvent(const OwnEvent&) = delete;
  OwnEvent& operator=(const OwnEvent&) = delete;

  void record(Stream stream) { check(cudaEventRecord(event_, stream), "an event"); }
  // At once if nothing was recorded.
  void wait() const { check(cudaEventSynchronize(event_), "a copy"); }

 private:
  cudaEvent_t event_ = {};
};

// Copies that are done when they return, whatever the host's memory.
template <typename T>
void upload(std::span<const T> from, T* to, Stream stream) {
  if (from.empty()) return;
  check(cudaMemcpyAsync(to, from.data(), from.size_bytes(), cudaMemcpyHostToDevice, stream), "a copy");
  check(cudaStreamSynchronize(stream), "a copy");
}
template <typename T>
void upload(const std::vector<T>& from, DeviceBuffer<T>& to, Stream stream) {
  to.resize(static_cast<int64_t>(from.size()));
  upload(std::span<const T>(from), to.data(), stream);
}
template <typename T>
void download(const T* from, std::span<T> to, Stream stream) {
  if (to.empty()) return;
  check(cudaMemcpyAsync(to.data(), from, to.size_bytes(), cudaMemcpyDeviceToHost, stream), "a copy");
  check(cudaStreamSynchronize(stream), "a copy");
}

}  // namespace idleheads::cuda
