// Files that are written whole or not at all, and the folders they go to.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

namespace idleheads {

// A folder to write into, made with those above it if it is not there. What it made and nobody wrote to is
// removed again when it goes.
class OutputFolder {
 public:
  // Throws Error if the folder cannot be made or nothing can be written there.
  explicit OutputFolder(const std::filesystem::path& folder);
  ~OutputFolder();
  OutputFolder(const OutputFolder&) = delete;
  OutputFolder& operator=(const OutputFolder&) = delete;

 private:
  std::vector<std::filesystem::path> made_;  // outermost first
};

// Where PATH leads:
// - a new name or a regular file: written beside it under a name of its own and renamed at commit(), so that
//   without that nothing of it stays and an old file is as it was. A file that is replaced keeps its mode.
// - a symbolic link: what it leads to is written so; the link stays. It may lead to a name that is not there
// yet.
// - a character device or a pipe (/dev/null, /dev/stdout, a FIFO): kept in memory and written to it at
// commit().
// - a folder, a socket, a disk, a study file: refused, as is a link that another user has put into a shared
//   folder such as /tmp.
// Throws Error with the path and the reason when something cannot be written. One thread at a time.
class OutputFile {
 public:
  explicit OutputFile(const std::filesystem::path& path);
  ~OutputFile();
  OutputFile(OutputFile&&) noexcept;
  OutputFile& operator=(OutputFile&&) noexcept;

  void write(std::string_view text);
  void write(std::span<const std::byte> bytes);
  // Writes again at `position`, inside what is written already; goes on at the end afterwards.
  void overwrite(uint64_t position, std::string_view bytes);
  uint64_t size() const;

  // Everything is on the disk, and commit() has only to give the file its name. For several files that belong
  // together; nothing may be written behind it.
  void prepare();
  // Calls prepare() if that has not been done.
  void commit();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace idleheads
