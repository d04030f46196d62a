// The calls of the CUDA run-time that the backend makes, on the host: device memory is memory, filled with
// NaN when it is handed out, streams are in order, and a test says how much memory there is.
#pragma once

#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <unordered_map>

using cudaStream_t = int;
using cudaEvent_t = int;
#define CUDART_VERSION 13000
enum cudaError_t {
  cudaSuccess = 0,
  cudaErrorMemoryAllocation = 2,
  cudaErrorInsufficientDriver = 35,
  cudaErrorDevicesUnavailable = 46,
  cudaErrorNoDevice = 100,
  cudaErrorInvalidDevice = 101
};
enum cudaMemcpyKind { cudaMemcpyHostToDevice, cudaMemcpyDeviceToHost, cudaMemcpyDeviceToDevice };

namespace emulated {

// Device memory in use and the most there is.
struct DeviceMemory {
  std::mutex mutex;
  std::unordered_map<void*, size_t> sizes;
  size_t used = 0, total = size_t{1} << 40;
};
inline DeviceMemory& device_memory() {
  static DeviceMemory memory;
  return memory;
}

// What a machine may lack.
struct Machine {
  int driver = CUDART_VERSION, devices = 1, major = 9;  // 0: none
  bool busy = false;                                    // the device is another process' alone
};
inline Machine& machine() {
  static Machine machine;
  return machine;
}

}  // namespace emulated

inline const char* cudaGetErrorString(cudaError_t error) {
  if (error == cudaErrorMemoryAllocation) return "out of memory";
  if (error == cudaErrorDevicesUnavailable) return "CUDA-capable device(s) is/are busy or unavailable";
  return "invalid device ordinal";
}
inline cudaError_t cudaMalloc(void** pointer, size_t bytes) {
  emulated::DeviceMemory& memory = emulated::device_memory();
  const std::lock_guard lock(memory.mutex);
  *pointer = nullptr;
  if (memory.used + bytes > memory.total) return cudaErrorMemoryAllocation;
  *pointer = std::aligned_alloc(256, (bytes + 255) / 256 * 256);
  if (*pointer == nullptr) return cudaErrorMemoryAllocation;
  std::memset(*pointer, 0xff, bytes);
  memory.sizes[*pointer] = bytes;
  memory.used += bytes;
  return cudaSuccess;
}
inline cudaError_t cudaFree(void* pointer) {
  emulated::DeviceMemory& memory = emulated::device_memory();
  const std::lock_guard lock(memory.mutex);
  const auto found = memory.sizes.find(pointer);
  if (found != memory.sizes.end()) {
    memory.used -= found->second;
    memory.sizes.erase(found);
  }
  std::free(pointer);
  return cudaSuccess;
}
inline cudaError_t cudaMallocHost(void** pointer, size_t bytes) {
  *pointer = std::aligned_alloc(256, (bytes + 255) / 256 * 256);
  return *pointer == nullptr ? cudaErrorMemoryAllocation : cudaSuccess;
}
inline cudaError_t cudaFreeHost(void* pointer) {
  std::free(pointer);
  return cudaSuccess;
}
inline cudaError_t cudaMemcpyAsync(void* to, const void* from, size_t bytes, cudaMemcpyKind, cudaStream_t) {
  std::memcpy(to, from, bytes);
  return cudaSuccess;
}
inline cudaError_t cudaMemcpy2DAsync(void* to, size_t to_pitch, const void* from, size_t from_pitch,
                                     size_t width, size_t height, cudaMemcpyKind, cudaStream_t) {
  for (size_t row = 0; row < height; ++row) {
    std::memcpy(static_cast<char*>(to) + row * to_pitch, static_cast<const char*>(from) + row * from_pitch,
                width);
  }
  return cudaSuccess;
}
inline cudaError_t cudaMemsetAsync(void* pointer, int value, size_t bytes, cudaStream_t) {
  std::memset(pointer, value, bytes);
  return cudaSuccess;
}
inline cudaError_t cudaStreamCreate(cudaStream_t* stream) {
  *stream = 1;
  return cudaSuccess;
}
inline cudaError_t cudaStreamDestroy(cudaStream_t) { return cudaSuccess; }
inline cudaError_t cudaStreamSynchronize(cudaStream_t) { return cudaSuccess; }
enum { cudaEventDisableTiming = 2 };
inline cudaError_t cudaEventCreateWithFlags(cudaEvent_t* event, unsigned) {
  *event = 1;
  return cudaSuccess;
}
inline cudaError_t cudaEventDestroy(cudaEvent_t) { return cudaSuccess; }
inline cudaError_t cudaEventRecord(cudaEvent_t, cudaStream_t) { return cudaSuccess; }
inline cudaError_t cudaEventSynchronize(cudaEvent_t) { return cudaSuccess; }
inline cudaError_t cudaGetLastError() { return cudaSuccess; }
inline cudaError_t cudaDriverGetVersion(int* version) {
  *version = emulated::machine().driver;
  return cudaSuccess;
}
inline cudaError_t cudaGetDeviceCount(int* count) {
  *count = emulated::machine().devices;
  if (emulated::machine().driver < CUDART_VERSION) return cudaErrorInsufficientDriver;
  return *count == 0 ? cudaErrorNoDevice : cudaSuccess;
}
struct cudaDeviceProp {
  char name[256] = "emulated";
  size_t totalGlobalMem = size_t{1} << 40;
  int multiProcessorCount = 1, major = 9, minor = 0;
};
inline cudaError_t cudaGetDeviceProperties(cudaDeviceProp* properties, int device) {
  *properties = {};
  properties->major = emulated::machine().major;
  return device < emulated::machine().devices ? cudaSuccess : cudaErrorInvalidDevice;
}
enum cudaDeviceAttr { cudaDevAttrMaxSharedMemoryPerBlockOptin = 97 };
inline cudaError_t cudaDeviceGetAttribute(int* value, cudaDeviceAttr, int) {
  *value = 227 << 10;
  return cudaSuccess;
}
inline cudaError_t cudaGetDevice(int* device) {
  *device = 0;
  return cudaSuccess;
}
inline cudaError_t cudaSetDevice(int device) {
  if (emulated::machine().busy) return cudaErrorDevicesUnavailable;
  return device < emulated::machine().devices ? cudaSuccess : cudaErrorInvalidDevice;
}
inline cudaError_t cudaMemGetInfo(size_t* free, size_t* total) {
  emulated::DeviceMemory& memory = emulated::device_memory();
  const std::lock_guard lock(memory.mutex);
  *free = memory.total - memory.used;
  *total = memory.total;
  return cudaSuccess;
}
