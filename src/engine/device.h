// Which device computes: the processor, or one whose module is loaded beside the program.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "engine/device_module.h"
#include "idleheads/engine/device_choice.h"

namespace idleheads {

// Throws Error: why it could not be loaded, or that it is of another build.
const DeviceModule& load_device_module(const std::filesystem::path& path);

// The CUDA module beside the program, loaded on first use. Throws as load_device_module().
const DeviceModule& cuda_module();

using FindModule = std::function<const DeviceModule&()>;

// "cpu", "cuda", "cuda:1", or "auto": a CUDA device if there is one that can be used. Throws UsageError for
// other text, and Error where a device is asked for and there is no module, no driver or no such device.
DeviceChoice choose_device(std::string_view text, const FindModule& find = cuda_module);

// "cuda:0: NVIDIA H100 80GB HBM3, 79.1 GiB, 132 multiprocessors, bf16 and f32", a line a device; or a line
// that says why there are none.
std::vector<std::string> list_devices(const FindModule& find = cuda_module);

}  // namespace idleheads
