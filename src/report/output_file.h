// Files that are written whole or not at all.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <span>
#include <string_view>

namespace idleheads {

// Makes a folder if it is not there. Throws Error if it cannot be made.
void make_folder(const std::filesystem::path& folder);

// Writes to PATH.part and takes the name PATH at commit(); without that nothing of it stays. Throws Error
// with the path and the reason when something cannot be written. One thread at a time.
class OutputFile {
 public:
  explicit OutputFile(const std::filesystem::path& path);
  ~OutputFile();
  OutputFile(const OutputFile&) = delete;
  OutputFile& operator=(const OutputFile&) = delete;

  void write(std::string_view text);
  void write(std::span<const std::byte> bytes);
  // Writes again at `position`, inside what is written already; goes on at the end afterwards.
  void overwrite(uint64_t position, std::string_view bytes);
  uint64_t size() const { return size_; }
  void commit();

 private:
  void check();

  std::filesystem::path path_;
  std::filesystem::path part_;
  std::ofstream stream_;
  uint64_t size_ = 0;
  bool committed_ = false;
};

}  // namespace idleheads
