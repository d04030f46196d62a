#include "report/output_file.h"

#include <cerrno>
#include <cstring>
#include <string>

#include "base/error.h"
#include "study/sqlite.h"

namespace idleheads {
namespace {

std::string reason() { return errno == 0 ? "no reason given" : std::strerror(errno); }

}  // namespace

void make_folder(const std::filesystem::path& folder) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) fail("{}: the folder cannot be made: {}", printable(folder.string(), 300), error.message());
}

OutputFile::OutputFile(const std::filesystem::path& path) : path_(path), part_(path) {
  part_ += ".part";
  std::error_code ignored;
  if (std::filesystem::is_directory(path_, ignored)) {
    fail("{}: is a folder, expected the name of a file to write", printable(path_.string(), 300));
  }
  // A study is hours of work, and one wrong --output away from being replaced.
  if (sqlite::is_database(path_)) {
    fail("{}: is a study file or another database, which is not replaced; give another name",
         printable(path_.string(), 300));
  }
  errno = 0;
  stream_.open(part_, std::ios::binary | std::ios::trunc);
  if (!stream_) fail("{}: cannot be written: {}", printable(part_.string(), 300), reason());
}

OutputFile::~OutputFile() {
  if (committed_) return;
  stream_.close();
  std::error_code ignored;
  std::filesystem::remove(part_, ignored);
}

void OutputFile::check() {
  if (!stream_) fail("{}: cannot be written: {}", printable(part_.string(), 300), reason());
}

void OutputFile::write(std::string_view text) { write(std::as_bytes(std::span(text.data(), text.size()))); }

void OutputFile::write(std::span<const std::byte> bytes) {
  errno = 0;
  stream_.write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  check();
  size_ += bytes.size();
}

void OutputFile::overwrite(uint64_t position, std::string_view bytes) {
  errno = 0;
  stream_.seekp(static_cast<std::streamoff>(position));
  stream_.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  stream_.seekp(0, std::ios::end);
  check();
}

void OutputFile::commit() {
  errno = 0;
  stream_.close();
  check();
  std::error_code error;
  std::filesystem::rename(part_, path_, error);
  if (error) fail("{}: cannot be written: {}", printable(path_.string(), 300), error.message());
  committed_ = true;
}

}  // namespace idleheads
