// A file mapped read-only into memory, and what tells that somebody changed it meanwhile.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>

namespace idleheads {

// What the system says of a file's contents without reading them: bytes, and nanoseconds of Unix time.
struct FileState {
  int64_t size = 0;
  int64_t modified = 0;  // contents written, or the time set by hand
  int64_t changed = 0;   // contents, name, permissions or number of links changed; nobody sets it by hand
  bool operator==(const FileState&) const = default;
};

class MappedFile {
 public:
  // Throws Error that names the path if the file is missing, not a regular file, or cannot be read.
  explicit MappedFile(const std::filesystem::path& path);
  ~MappedFile();
  MappedFile(MappedFile&& other) noexcept;
  MappedFile& operator=(MappedFile&& other) noexcept;

  std::span<const std::byte> bytes() const { return bytes_; }
  const std::filesystem::path& path() const { return path_; }

  // The file as it was mapped, and as it is now; its name may lead elsewhere or nowhere by now.
  const FileState& state() const { return state_; }
  FileState state_now() const;
  // Throws Error if the file has been written to since it was mapped, as far as its size and time of
  // modification tell (also a mere `touch`, which is taken for a change).
  void require_unchanged() const;

 private:
  std::filesystem::path path_;
  std::span<const std::byte> bytes_;
  int descriptor_ = -1;  // stays open, for state_now()
  FileState state_;
  void* known_ = nullptr;  // the entry for mapped_file_at()
};

// The name of the mapped file that holds `address`, as shown in messages; nullptr if none does. Safe in a
// signal handler: reading behind the end of a file that was cut raises SIGBUS.
const char* mapped_file_at(const void* address) noexcept;

// Gives the pages of a mapped file back to the system's cache, with those that the system maps around a page
// that is read; reading them again maps them anew. For bytes that were read once and would count as the
// process's memory for no use.
void forget_pages(std::span<const std::byte> mapped);

// The whole file as a string. Throws Error like MappedFile, and if the file is larger than `limit` bytes.
std::string read_text_file(const std::filesystem::path& path, size_t limit = size_t{1} << 30);

}  // namespace idleheads
