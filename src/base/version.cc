#include "idleheads/version.h"

#include "idleheads_commit.h"  // made by cmake/commit.cmake at each build, changed only when the commit is another

namespace idleheads {

std::string version() { return IDLEHEADS_VERSION; }
std::string commit() { return IDLEHEADS_COMMIT; }
std::string build_settings() {
#ifdef __clang__
  return IDLEHEADS_BUILD_TYPE ", " __VERSION__;  // names itself
#else
  return IDLEHEADS_BUILD_TYPE ", GCC " __VERSION__;
#endif
}
std::string build_description() { return version() + " (" + commit() + ")"; }

}  // namespace idleheads
