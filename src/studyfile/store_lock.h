// One writer at a time for a study file.
#pragma once

#include <filesystem>

namespace idleheads {

// Holds advisory locks while it lives: on FILE.lock, and on the study file itself, so that another name of it
// (a hard link) or a deleted FILE.lock does not get a second writer in. The kernel drops them when the
// process ends, however it ends.
class WriterLock {
 public:
  // Makes the study file if it is not there. Throws Error if another process holds a lock ("another idleheads
  // process is writing") or the folder or file is read-only.
  explicit WriterLock(const std::filesystem::path& study);
  // Must go after SQLite has closed the file: closing any descriptor of it drops SQLite's own locks.
  ~WriterLock();
  WriterLock(const WriterLock&) = delete;
  WriterLock& operator=(const WriterLock&) = delete;

  int study() const { return study_; }  // descriptor of the study file

 private:
  void lock_beside(const std::string& shown);
  void lock_study(const std::filesystem::path& study, const std::string& shown);
  bool is_current() const;
  void release();

  std::filesystem::path path_;  // FILE.lock
  int descriptor_ = -1;
  int study_ = -1;
};

// True while a process holds the lock of the study file. False where that cannot be told: no such file, a
// file system without locks. No store of this process may have the file open: closing it here would drop
// SQLite's locks.
bool is_being_written(const std::filesystem::path& study);

}  // namespace idleheads
