#include "base/memory.h"

#include <malloc.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>

#include "base/cgroup.h"

namespace idleheads {

// Second number of /proc/self/statm: pages in memory.
int64_t resident_bytes() {
  std::ifstream file("/proc/self/statm");
  int64_t size = 0, resident = 0;
  file >> size >> resident;
  return file ? resident * sysconf(_SC_PAGESIZE) : peak_resident_bytes();
}

int64_t peak_resident_bytes() {
  rusage usage = {};
  getrusage(RUSAGE_SELF, &usage);
  return int64_t{usage.ru_maxrss} * 1024;
}

int64_t usable_bytes() {
  return std::min(int64_t{sysconf(_SC_PHYS_PAGES)} * sysconf(_SC_PAGESIZE), cgroup_limits().bytes);
}

// A fixed threshold; glibc raises its own with every freed block.
void return_large_blocks() { ::mallopt(M_MMAP_THRESHOLD, 1 << 20); }

}  // namespace idleheads
