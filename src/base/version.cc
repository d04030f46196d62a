#include "idleheads/version.h"

#include "idleheads_commit.h"  // made by cmake/commit.cmake at each build, changed only when the commit is another

namespace idleheads {

std::string version() { return IDLEHEADS_VERSION; }
std::string commit() { return IDLEHEADS_COMMIT; }
std::string build_description() { return version() + " (" + commit() + ")"; }

}  // namespace idleheads
