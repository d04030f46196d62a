#include "studyfile/store_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>
#include <system_error>

#include "base/fail.h"

namespace idleheads {
namespace {

// Behind every byte that SQLite locks or a file can have. A lock of the open file, not of the process: it is
// no business of SQLite's locks.
constexpr off_t kLockedByte = off_t{1} << 62;

struct flock writer_lock() {
  struct flock lock = {};
  lock.l_type = F_WRLCK;
  lock.l_whence = SEEK_SET;
  lock.l_start = kLockedByte;
  lock.l_len = 1;
  return lock;
}

// The same for all names of a file, so that a symbolic link does not get a lock of its own.
std::filesystem::path lock_path(const std::filesystem::path& study) {
  std::error_code ignored;
  std::filesystem::path path = std::filesystem::weakly_canonical(study, ignored);
  if (path.empty()) path = study;
  path += ".lock";
  return path;
}

[[noreturn]] void fail_locked(const std::string& shown) {
  fail("{}: another idleheads process is writing it; wait for that one or name another file", shown);
}

}  // namespace

WriterLock::WriterLock(const std::filesystem::path& study) : path_(lock_path(study)) {
  const std::string shown = shown_path(study);
  lock_beside(shown);
  try {
    lock_study(study, shown);
  } catch (...) {
    release();
    throw;
  }
}

void WriterLock::lock_beside(const std::string& shown) {
  while (true) {
    descriptor_ = ::open(path_.c_str(), O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0666);
    if (descriptor_ < 0 && (errno == EACCES || errno == EPERM || errno == EROFS)) {
      fail("{}: its folder is read-only; a study needs to write there, use another --output", shown);
    }
    if (descriptor_ < 0) {
      fail("{}: cannot create {}: {}", shown, shown_path(path_),
           errno == ELOOP ? "it is a symbolic link" : std::strerror(errno));
    }
    if (::flock(descriptor_, LOCK_EX | LOCK_NB) != 0) {
      const int error = errno;
      ::close(descriptor_);
      if (error == EWOULDBLOCK) fail_locked(shown);
      fail("{}: cannot lock {}: {}", shown, shown_path(path_), std::strerror(error));
    }
    if (is_current()) return;
    ::close(descriptor_);
  }
}

void WriterLock::lock_study(const std::filesystem::path& study, const std::string& shown) {
  study_ = ::open(study.c_str(), O_RDWR | O_CREAT | O_NONBLOCK | O_CLOEXEC, 0644);
  if (study_ < 0) fail("{}: cannot be written: {}", shown, std::strerror(errno));
  struct flock lock = writer_lock();
  // Other failures: a file system without locks, where SQLite says so itself.
  if (::fcntl(study_, F_OFD_SETLK, &lock) != 0 && (errno == EAGAIN || errno == EACCES)) fail_locked(shown);
}

// False if the previous holder removed the file between our open and our lock: we would hold a lock nobody
// sees.
bool WriterLock::is_current() const {
  struct stat held = {};
  struct stat named = {};
  return ::fstat(descriptor_, &held) == 0 && ::lstat(path_.c_str(), &named) == 0 &&
         held.st_ino == named.st_ino && held.st_dev == named.st_dev;
}

void WriterLock::release() {
  if (study_ >= 0) ::close(study_);
  if (is_current()) ::unlink(path_.c_str());  // before the lock goes; never the file of another holder
  ::close(descriptor_);
}

WriterLock::~WriterLock() { release(); }

bool is_being_written(const std::filesystem::path& study) {
  const int file = ::open(study.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  if (file < 0) return false;
  struct flock lock = writer_lock();
  const bool is_locked = ::fcntl(file, F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
  ::close(file);
  return is_locked;
}

}  // namespace idleheads
