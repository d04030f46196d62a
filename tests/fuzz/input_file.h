// For readers that want a file: the input under a name, in memory where the system has a place for that.
#pragma once

#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

namespace idleheads {

// The same name for the whole run, ending in `extension` (that of the first call); removed at its end.
inline const std::filesystem::path& input_file(const char* extension) {
  static const auto& path = *new const std::filesystem::path([&] {
    const std::filesystem::path memory = "/dev/shm";
    const auto folder =
        std::filesystem::is_directory(memory) ? memory : std::filesystem::temp_directory_path();
    std::atexit([] { std::filesystem::remove(input_file("")); });
    return folder / ("fuzz_" + std::to_string(::getpid()) + extension);
  }());  // never destroyed: it is needed at exit
  return path;
}

inline const std::filesystem::path& write_input(const uint8_t* data, size_t size, const char* extension) {
  const std::filesystem::path& path = input_file(extension);
  std::ofstream(path, std::ios::binary)
      .write(reinterpret_cast<const char*>(data), static_cast<std::streamsize>(size));
  return path;
}

}  // namespace idleheads
