// System calls of SQLite that fail or kill the process at a chosen one.
#pragma once

#include <errno.h>
#include <signal.h>
#include <sqlite3.h>
#include <unistd.h>

namespace idleheads {

// SQLite lets its system calls be replaced: every change to a file then goes through a countdown, and when
// that reaches zero something happens to this and (unless the process is dead) all later calls.
enum class Fault { none, kill, disk_full };
inline Fault fault = Fault::none;
inline int calls_left = 0;

inline bool due() { return fault != Fault::none && calls_left-- <= 0; }

inline ssize_t faulty_pwrite(int descriptor, const void* data, size_t size, off_t offset) {
  if (due()) {
    if (fault == Fault::kill) {
      if (::pwrite(descriptor, data, size / 2, offset) >= 0) ::raise(SIGKILL);  // a torn write
    }
    errno = ENOSPC;
    return -1;
  }
  return ::pwrite(descriptor, data, size, offset);
}

inline ssize_t faulty_write(int descriptor, const void* data, size_t size) {
  return faulty_pwrite(descriptor, data, size, ::lseek(descriptor, 0, SEEK_CUR));
}

inline int faulty_ftruncate(int descriptor, off_t size) {
  if (due() && fault == Fault::kill) ::raise(SIGKILL);
  return ::ftruncate(descriptor, size);
}

inline int faulty_unlink(const char* path) {
  if (due() && fault == Fault::kill) ::raise(SIGKILL);
  return ::unlink(path);
}

class FaultySystem {
 public:
  FaultySystem(Fault kind, int after) {
    set("pwrite", reinterpret_cast<sqlite3_syscall_ptr>(faulty_pwrite));
    set("pwrite64", reinterpret_cast<sqlite3_syscall_ptr>(faulty_pwrite));
    set("write", reinterpret_cast<sqlite3_syscall_ptr>(faulty_write));
    set("ftruncate", reinterpret_cast<sqlite3_syscall_ptr>(faulty_ftruncate));
    set("unlink", reinterpret_cast<sqlite3_syscall_ptr>(faulty_unlink));
    fault = kind;
    calls_left = after;
  }
  ~FaultySystem() {
    fault = Fault::none;
    for (const char* name : {"pwrite", "pwrite64", "write", "ftruncate", "unlink"}) set(name, nullptr);
  }

 private:
  static void set(const char* name, sqlite3_syscall_ptr call) {
    sqlite3_vfs* vfs = sqlite3_vfs_find(nullptr);
    vfs->xSetSystemCall(vfs, name, call);
  }
};

}  // namespace idleheads
