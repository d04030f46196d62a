// Notices that a study file is removed, moved, replaced, cut or overwritten by somebody else while it is
// being written. SQLite would go on without a word, and the results would be lost.
#pragma once

#include <sys/types.h>

#include <array>
#include <filesystem>
#include <string>

namespace idleheads {

class StoreWatch {
 public:
  // `descriptor` is the open study file (WriterLock::study) and stays the caller's.
  StoreWatch(const std::filesystem::path& study, int descriptor);

  // The study and the files beside it (-wal, -shm) are now as this process left them. To be called after each
  // of its own changes.
  void remember();

  // Throws Error that says what happened and where the results are, unless everything is still in its place,
  // as long as it was, and begins as it did.
  void require_in_place() const;

 private:
  struct Beside {
    const char* suffix = "";
    bool there = false;
    dev_t device = 0;
    ino_t inode = 0;
    off_t size = 0;
  };
  static constexpr size_t kHeader = 100;  // bytes of SQLite's header: page count, change counter, ...
  using Header = std::array<char, kHeader>;

  Header read_header() const;
  void require_named() const;
  void require_contents() const;
  void require_beside(const Beside& known) const;

  std::filesystem::path path_;  // without symbolic links, as SQLite names the files beside it
  std::string shown_;
  int descriptor_;
  off_t size_ = 0;
  Header header_ = {};
  std::array<Beside, 2> beside_ = {{{"-wal"}, {"-shm"}}};
};

}  // namespace idleheads
