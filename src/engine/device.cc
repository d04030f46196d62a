#include "engine/device.h"

#include <dlfcn.h>
#include <fmt/format.h>

#include <charconv>

#include "base/fail.h"
#include "idleheads/version.h"

namespace idleheads {
namespace {

// Beside the program or library that this code is in.
std::filesystem::path module_path() {
  Dl_info info = {};
  if (dladdr(reinterpret_cast<void*>(&cuda_module), &info) == 0 || info.dli_fname == nullptr)
    fail("the folder of this program cannot be found, so neither can its CUDA module");
  std::error_code error;
  const std::filesystem::path self = std::filesystem::canonical("/proc/self/exe", error);
  const std::filesystem::path own = info.dli_fname;
  const bool is_library = own.filename().string().find(".so") != std::string::npos;
  return (is_library || error ? own : self).parent_path() / "libidleheads_cuda.so";
}

template <typename Function>
Function symbol(void* module, const char* name, const std::filesystem::path& path) {
  auto* function = reinterpret_cast<Function>(dlsym(module, name));
  if (function == nullptr) fail("{}: not a module of idleheads ({} is missing)", path.string(), name);
  return function;
}

void require_device(int number, const DeviceModule& module) {
  const std::vector<DeviceInfo> devices = module.devices();
  if (devices.empty()) fail("--device cuda: this machine has no CUDA device; use --device cpu");
  if (number >= std::ssize(devices)) {
    fail_usage("--device cuda:{}: there is no such device; there {} {}", number,
               devices.size() == 1 ? "is" : "are", devices.size());
  }
  const DeviceInfo& device = devices[static_cast<size_t>(number)];
  if (!device.reason.empty()) fail("cuda:{} ({}): {}", number, device.name, device.reason);
}

// The first that can be used, or -1.
int usable_device(const FindModule& find) {
  try {
    const std::vector<DeviceInfo> devices = find().devices();
    for (size_t i = 0; i < devices.size(); ++i) {
      if (devices[i].reason.empty()) return static_cast<int>(i);
    }
  } catch (const Error&) {
    // Nobody asked for a device by name.
  }
  return -1;
}

}  // namespace

const DeviceModule& load_device_module(const std::filesystem::path& path) {
  if (!std::filesystem::exists(path))
    fail("there is no CUDA module ({}); build it with make cuda, or use --device cpu", path.string());
  void* module = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (module == nullptr) {
    const char* why = dlerror();
    fail("the CUDA module cannot be loaded: {}", why != nullptr ? why : path.c_str());
  }
  const std::string build = symbol<DeviceModuleBuild>(module, "idleheads_module_build", path)();
  if (build != build_description()) {
    fail("{} is of build {}, this program of {}; build both together", path.string(), printable(build),
         build_description());
  }
  return *symbol<DeviceModuleGet>(module, "idleheads_module", path)();
}

const DeviceModule& cuda_module() {
  static const DeviceModule& module = load_device_module(module_path());
  return module;
}

DeviceChoice choose_device(std::string_view text, const FindModule& find) {
  using enum DeviceChoice::Kind;
  if (text == "cpu") return {};
  if (text == "auto") {
    const int number = usable_device(find);
    return number < 0 ? DeviceChoice{} : DeviceChoice{cuda, number};
  }
  int number = 0;
  if (text != "cuda") {
    const std::string_view digits = text.starts_with("cuda:") ? text.substr(5) : std::string_view();
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
    if (digits.empty() || error != std::errc() || end != digits.data() + digits.size() || number < 0)
      fail_usage("--device '{}': expected cpu, auto, cuda or cuda:N", printable(text));
  }
  require_device(number, find());
  return {cuda, number};
}

std::vector<std::string> list_devices(const FindModule& find) {
  std::vector<std::string> lines;
  try {
    for (const DeviceInfo& device : find().devices()) {
      constexpr double kGiB = 1 << 30;
      lines.push_back(fmt::format("cuda:{}: {}, {:.1f} GiB, {} multiprocessors, {}{}", lines.size(),
                                  device.name, static_cast<double>(device.memory) / kGiB, device.units,
                                  device.reason.empty() ? "bf16 and f32" : "not usable: ", device.reason));
    }
    if (lines.empty()) lines.emplace_back("no CUDA device");
  } catch (const Error& error) {
    lines.emplace_back(error.what());
  }
  return lines;
}

}  // namespace idleheads
