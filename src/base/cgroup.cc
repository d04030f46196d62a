#include "base/cgroup.h"

#include <algorithm>
#include <fstream>
#include <string>

namespace idleheads {
namespace {

// The first number of a file; 0 where there is none ("max", no such file).
double number_in(const std::filesystem::path& file) {
  double number = 0;
  std::ifstream(file) >> number;
  return number;
}

// Version 2: "150000 100000", microseconds of each period, or "max 100000".
double share_in(const std::filesystem::path& file) {
  double quota = 0, period = 0;
  std::ifstream(file) >> quota >> period;
  return quota > 0 && period > 0 ? quota / period : 0;
}

void take(const std::filesystem::path& group, CgroupLimits& limits) {
  for (const char* name : {"memory.max", "memory.limit_in_bytes"}) {
    const double bytes = number_in(group / name);
    if (bytes > 0 && bytes < 9e18) limits.bytes = std::min(limits.bytes, static_cast<int64_t>(bytes));
  }
  const double quota = number_in(group / "cpu.cfs_quota_us"), period = number_in(group / "cpu.cfs_period_us");
  for (const double share : {share_in(group / "cpu.max"), period > 0 ? quota / period : 0}) {
    if (share > 0) limits.processors = std::min(limits.processors, share);
  }
}

// The group and those above it, up to the top, whose files a container has at `folder` itself.
void take_all(const std::filesystem::path& folder, std::string group, CgroupLimits& limits) {
  for (;;) {
    take(folder / std::filesystem::path(group).relative_path(), limits);
    const size_t slash = group.rfind('/');
    if (slash == std::string::npos) return;
    group.resize(slash);
  }
}

}  // namespace

// A line is "hierarchy:controllers:/path"; version 2 names no controllers. Of a group outside of what this
// process sees ("/../other") the top alone is there.
CgroupLimits cgroup_limits(const std::filesystem::path& self, const std::filesystem::path& root) {
  CgroupLimits limits;
  std::ifstream lines(self);
  for (std::string line; std::getline(lines, line);) {
    const size_t first = line.find(':'), second = line.find(':', first + 1);
    if (first == std::string::npos || second == std::string::npos) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1);
    std::string group = line.substr(second + 1);
    if (group.find("..") != std::string::npos) group.clear();
    if (controllers.empty()) take_all(root, group, limits);
    for (const char* controller : {"memory", "cpu"}) {
      if (controllers.find(controller) == std::string::npos) continue;
      take_all(root / controller, group, limits);
    }
  }
  return limits;
}

}  // namespace idleheads
