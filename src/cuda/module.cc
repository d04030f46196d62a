// libidleheads_cuda.so: what engine/device.h loads.
#include <fmt/format.h>

#include "cuda/cuda_backend.h"
#include "cuda/memory.h"
#include "cuda/products.h"
#include "idleheads/version.h"

namespace idleheads::cuda {
namespace {

constexpr int kOldest = 8;  // compute capability: bf16 products and asynchronous copies

// 13000 is 13.0.
std::string version(int number) { return fmt::format("{}.{}", number / 1000, number % 1000 / 10); }

cudaDeviceProp properties_of(int device) {
  cudaDeviceProp properties = {};
  check(cudaGetDeviceProperties(&properties, device), "a device's properties");
  return properties;
}

class CudaModule : public DeviceModule {
 public:
  std::vector<DeviceInfo> devices() const override {
    int driver = 0, count = 0;
    if (cudaDriverGetVersion(&driver) != cudaSuccess || driver == 0) fail("CUDA: there is no NVIDIA driver");
    const cudaError_t error = cudaGetDeviceCount(&count);
    if (error == cudaErrorNoDevice) return {};
    if (error == cudaErrorInsufficientDriver) {
      fail("CUDA: the NVIDIA driver is for CUDA {}, this module of CUDA {} needs a newer one",
           version(driver), version(CUDART_VERSION));
    }
    check(error, "the list of devices");
    std::vector<DeviceInfo> devices;
    for (int device = 0; device < count; ++device) {
      const cudaDeviceProp properties = properties_of(device);
      DeviceInfo info = {properties.name, static_cast<int64_t>(properties.totalGlobalMem),
                         properties.multiProcessorCount, ""};
      if (properties.major < kOldest) {
        info.reason = fmt::format("compute capability {}.{}; expected {}.0 or newer", properties.major,
                                  properties.minor, kOldest);
      }
      devices.push_back(std::move(info));
    }
    return devices;
  }

  std::string description(int device, Precision precision) const override {
    const cudaDeviceProp properties = properties_of(device);
    return fmt::format("{} products ({}), {} with {} multiprocessors",
                       precision == Precision::bf16 ? "bf16" : "f32", Products<float>::description(),
                       properties.name, properties.multiProcessorCount);
  }

  std::unique_ptr<Backend> make_backend(std::unique_ptr<const WeightSource> source, ThreadPool& pool,
                                        const DeviceOptions& options) const override {
    return make_cuda_backend(std::move(source), pool, options);
  }
};

}  // namespace
}  // namespace idleheads::cuda

extern "C" {

__attribute__((visibility("default"))) const char* idleheads_module_build() {
  static const std::string build = idleheads::build_description();
  return build.c_str();
}

__attribute__((visibility("default"))) const idleheads::DeviceModule* idleheads_module() {
  static const idleheads::cuda::CudaModule module;
  return &module;
}
}
