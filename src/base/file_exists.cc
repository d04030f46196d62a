#include "base/file_exists.h"

#include <sys/stat.h>

#include <cerrno>
#include <cstring>

#include "base/fail.h"

namespace idleheads {

bool file_exists(const std::filesystem::path& path) {
  const auto shown = [&] { return shown_path(path); };
  struct stat info = {};
  if (::lstat(path.c_str(), &info) != 0) {
    if (errno == ENOENT || errno == ENOTDIR || errno == ENAMETOOLONG) return false;
    fail("{}: cannot be looked at: {}", shown(), std::strerror(errno));
  }
  if (::stat(path.c_str(), &info) == 0) return true;
  if (errno == ENOENT || errno == ENOTDIR) {
    std::error_code ignored;
    const std::filesystem::path target = std::filesystem::read_symlink(path, ignored);
    fail("{}: a link to {}, which does not exist", shown(), shown_path(target));
  }
  if (errno == ELOOP) fail("{}: a link that leads back to itself", shown());
  fail("{}: cannot be looked at: {}", shown(), std::strerror(errno));
}

}  // namespace idleheads
