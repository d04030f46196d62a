// A file mapped read-only into memory.
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>

namespace idleheads {

class MappedFile {
 public:
  // Throws Error that names the path if the file is missing, not a regular file, or cannot be read.
  explicit MappedFile(const std::filesystem::path& path);
  ~MappedFile();
  MappedFile(MappedFile&& other) noexcept;
  MappedFile& operator=(MappedFile&& other) noexcept;

  std::span<const std::byte> bytes() const { return bytes_; }
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
  std::span<const std::byte> bytes_;
};

// Gives the pages of a mapped file back to the system's cache; reading them again maps them anew. For bytes
// that were read once and would count as the process's memory for no use.
void forget_pages(std::span<const std::byte> mapped);

// The whole file as a string. Throws Error like MappedFile, and if the file is larger than `limit` bytes.
std::string read_text_file(const std::filesystem::path& path, size_t limit = size_t{1} << 30);

}  // namespace idleheads
