// One writer at a time for a study file.
#pragma once

#include <filesystem>

namespace idleheads {

// Holds an advisory lock on FILE.lock while it lives. The kernel drops the lock when the process ends,
// however it ends. (The lock is not on the study file itself: closing any descriptor of that would drop
// SQLite's own locks.)
class WriterLock {
 public:
  // Throws Error if another process holds it ("another idleheads process is writing") or the folder is
  // read-only.
  explicit WriterLock(const std::filesystem::path& study);
  ~WriterLock();
  WriterLock(const WriterLock&) = delete;
  WriterLock& operator=(const WriterLock&) = delete;

 private:
  bool is_current() const;

  std::filesystem::path path_;
  int descriptor_ = -1;
};

}  // namespace idleheads
