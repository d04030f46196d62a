// What the control groups of this process allow: containers and batch systems bound memory and processors so.
#pragma once

#include <cstdint>
#include <filesystem>
#include <limits>

namespace idleheads {

struct CgroupLimits {
  int64_t bytes = std::numeric_limits<int64_t>::max();     // of memory
  double processors = std::numeric_limits<double>::max();  // time of so many
};

// The least of this process' group and of those above it, versions 1 and 2. `self` lists the groups
// (/proc/self/cgroup), `root` is where their files are.
CgroupLimits cgroup_limits(const std::filesystem::path& self = "/proc/self/cgroup",
                           const std::filesystem::path& root = "/sys/fs/cgroup");

}  // namespace idleheads
