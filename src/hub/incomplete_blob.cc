#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <system_error>
#include <thread>
#include <vector>

#include "base/fail.h"
#include "hub/cache_folder.h"

namespace idleheads {
namespace {

namespace fs = std::filesystem;

[[noreturn]] void fail_at(const fs::path& path, const char* what) {
  const int error = errno;
  fail("{}: cannot be {}: {}", shown_path(path), what, std::strerror(error));
}

int open_for_update(const fs::path& path) {
  const int descriptor = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0666);
  if (descriptor < 0) fail_at(path, "opened");
  return descriptor;
}

Digest::Kind kind_of(const RemoteFile& file) {
  return file.is_sha256() ? Digest::Kind::sha256 : Digest::Kind::sha1;
}

}  // namespace

BlobLock::BlobLock(const fs::path& file, const std::function<void()>& waiting)
    : descriptor_(open_for_update(file)) {
  using namespace std::chrono_literals;
  try {
    while (::flock(descriptor_, LOCK_EX | LOCK_NB) != 0) {
      if (errno != EWOULDBLOCK && errno != EINTR) fail_at(file, "locked");
      waiting();
      std::this_thread::sleep_for(100ms);
    }
  } catch (...) {
    ::close(descriptor_);
    throw;
  }
}

BlobLock::~BlobLock() { ::close(descriptor_); }  // the file stays: removing it would part those who wait

IncompleteBlob::IncompleteBlob(fs::path blob, const RemoteFile& file, std::function<void(int64_t)> grown)
    : blob_(std::move(blob)),
      path_(blob_.string() + ".incomplete"),
      file_(file),
      grown_(std::move(grown)),
      digest_(kind_of(file)),
      descriptor_(open_for_update(path_)) {
  try {
    restart_digest();
    read_what_is_there();
  } catch (...) {
    ::close(descriptor_);
    throw;
  }
}

IncompleteBlob::~IncompleteBlob() { ::close(descriptor_); }

// git's sum of a blob begins with its kind and size.
void IncompleteBlob::restart_digest() {
  digest_ = Digest(kind_of(file_));
  if (!file_.is_sha256()) digest_.add(fmt::format("blob {}", file_.size) + '\0');
}

void IncompleteBlob::read_what_is_there() {
  std::vector<char> piece(size_t{1} << 20);
  for (;;) {
    const ssize_t count = ::read(descriptor_, piece.data(), piece.size());
    if (count < 0) fail_at(path_, "read");
    if (count == 0) break;
    digest_.add({piece.data(), static_cast<size_t>(count)});
    size_ += count;
    grown_(size_);
  }
  if (size_ > file_.size) clear();
}

void IncompleteBlob::clear() {
  if (::ftruncate(descriptor_, 0) != 0 || ::lseek(descriptor_, 0, SEEK_SET) != 0) fail_at(path_, "emptied");
  size_ = 0;
  restart_digest();
  grown_(size_);
}

void IncompleteBlob::add(std::string_view bytes) {
  if (static_cast<int64_t>(bytes.size()) > file_.size - size_)
    fail("{}: the Hub sends more than the {} bytes that it names", printable(file_.path, 200), file_.size);
  while (!bytes.empty()) {
    const ssize_t written = ::write(descriptor_, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) fail_at(path_, "written");
    digest_.add(bytes.substr(0, static_cast<size_t>(written)));
    bytes.remove_prefix(static_cast<size_t>(written));
    size_ += written;
  }
  grown_(size_);
}

bool IncompleteBlob::finish() {
  if (!is_whole() || digest_.hex() != file_.digest) {
    clear();
    return false;
  }
  // A name must not stand for bytes that a loss of power would still take.
  if (::fsync(descriptor_) != 0) fail_at(path_, "written");
  std::error_code error;
  fs::rename(path_, blob_, error);
  if (error) fail("{}: cannot be written: {}", shown_path(blob_), error.message());
  return true;
}

}  // namespace idleheads
