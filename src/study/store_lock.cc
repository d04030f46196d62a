#include "study/store_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <system_error>

#include "base/error.h"

namespace idleheads {
namespace {

// The same for all names of a file, so that a symbolic link does not get a lock of its own.
std::filesystem::path lock_path(const std::filesystem::path& study) {
  std::error_code ignored;
  std::filesystem::path path = std::filesystem::weakly_canonical(study, ignored);
  if (path.empty()) path = study;
  path += ".lock";
  return path;
}

}  // namespace

WriterLock::WriterLock(const std::filesystem::path& study) : path_(lock_path(study)) {
  const std::string shown = printable(study.string(), 300);
  while (true) {
    descriptor_ = ::open(path_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (descriptor_ < 0 && (errno == EACCES || errno == EPERM || errno == EROFS)) {
      fail("{}: its folder is read-only; a study needs to write there, use another --output", shown);
    }
    if (descriptor_ < 0)
      fail("{}: cannot create {}: {}", shown, printable(path_.string(), 300), std::strerror(errno));
    if (::flock(descriptor_, LOCK_EX | LOCK_NB) != 0) {
      const int error = errno;
      ::close(descriptor_);
      if (error == EWOULDBLOCK) {
        fail("{}: another idleheads process is writing it; wait for that one or use another --output", shown);
      }
      fail("{}: cannot lock {}: {}", shown, printable(path_.string(), 300), std::strerror(error));
    }
    if (is_current()) return;
    ::close(descriptor_);
  }
}

// False if the previous holder removed the file between our open and our lock: we would hold a lock nobody
// sees.
bool WriterLock::is_current() const {
  struct stat held = {};
  struct stat named = {};
  return ::fstat(descriptor_, &held) == 0 && ::stat(path_.c_str(), &named) == 0 &&
         held.st_ino == named.st_ino && held.st_dev == named.st_dev;
}

WriterLock::~WriterLock() {
  ::unlink(path_.c_str());  // before the lock goes
  ::close(descriptor_);
}

}  // namespace idleheads
