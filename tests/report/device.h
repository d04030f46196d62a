// A device to write to that a fault of ours cannot break the machine by: root may replace /dev/null, so root
// gets one of its own.
#pragma once

#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <filesystem>
#include <string>

namespace idleheads {

// The path of a device like /dev/null ("null") or /dev/full ("full"), perhaps made in `folder`; empty if
// there is none to be had.
inline std::filesystem::path safe_device(const std::string& name, const std::filesystem::path& folder) {
  if (::geteuid() != 0) return "/dev/" + name;
  const std::filesystem::path path = folder / name;
  const bool made = ::mknod(path.c_str(), S_IFCHR | 0666, ::makedev(1, name == "null" ? 3 : 7)) == 0;
  return made && ::access(path.c_str(), W_OK) == 0 ? path : std::filesystem::path();
}

}  // namespace idleheads
