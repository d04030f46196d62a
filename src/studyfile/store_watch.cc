#include "studyfile/store_watch.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <system_error>

#include "base/fail.h"

namespace idleheads {
namespace {

struct stat state_of(int descriptor, const std::string& shown) {
  struct stat info = {};
  if (::fstat(descriptor, &info) != 0) fail("{}: cannot be looked at: {}", shown, std::strerror(errno));
  return info;
}

bool same_file(const struct stat& a, const struct stat& b) {
  return a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

// The present name of an open file that has one.
std::string name_of(int descriptor) {
  std::error_code error;
  const auto name = std::filesystem::read_symlink(fmt::format("/proc/self/fd/{}", descriptor), error);
  const std::string text = error ? "" : name.string();
  return text.empty() || text.ends_with(" (deleted)") ? "a file of another name" : printable(text, 300);
}

}  // namespace

StoreWatch::StoreWatch(const std::filesystem::path& study, int descriptor)
    : shown_(shown_path(study)), descriptor_(descriptor) {
  std::error_code ignored;
  path_ = std::filesystem::weakly_canonical(study, ignored);
  if (path_.empty()) path_ = study;
  remember();
}

StoreWatch::Header StoreWatch::read_header() const {
  Header header = {};
  if (::pread(descriptor_, header.data(), header.size(), 0) < 0)
    fail("{}: cannot be read: {}", shown_, std::strerror(errno));
  return header;
}

void StoreWatch::remember() {
  size_ = state_of(descriptor_, shown_).st_size;
  header_ = read_header();
  for (Beside& file : beside_) {
    struct stat info = {};
    file.there = ::lstat((path_.string() + file.suffix).c_str(), &info) == 0;
    file.device = info.st_dev;
    file.inode = info.st_ino;
    file.size = info.st_size;
  }
}

void StoreWatch::require_in_place() const {
  require_named();
  require_contents();
  for (const Beside& file : beside_) require_beside(file);
}

void StoreWatch::require_named() const {
  const struct stat held = state_of(descriptor_, shown_);
  struct stat named = {};
  const bool is_there = ::stat(path_.c_str(), &named) == 0;
  if (is_there && same_file(held, named)) return;
  const std::string what = is_there ? "another file took its place" : held.st_nlink > 0 ? "moved" : "removed";
  if (held.st_nlink == 0)
    fail("{}: {} while the study was being written; its results are lost with it: start the study again",
         shown_, what);
  fail("{}: {} while the study was being written; what was stored is in {}: put it back to go on", shown_,
       what, name_of(descriptor_));
}

void StoreWatch::require_contents() const {
  const off_t size = state_of(descriptor_, shown_).st_size;
  constexpr const char* kAdvice = "use a copy of it or start a new study with another --output";
  if (size < size_)
    fail("{}: cut from {} to {} bytes while the study was being written; {}", shown_, size_, size, kAdvice);
  if (read_header() != header_)
    fail("{}: overwritten by another program while the study was being written; {}", shown_, kAdvice);
}

// SQLite still holds the old one open and brings what is in it into the study when it closes.
void StoreWatch::require_beside(const Beside& known) const {
  if (!known.there) return;
  struct stat info = {};
  const bool is_same = ::lstat((path_.string() + known.suffix).c_str(), &info) == 0 &&
                       info.st_dev == known.device && info.st_ino == known.inode;
  if (is_same && info.st_size >= known.size) return;
  fail("{}{}: {} while the study was being written; start again to go on from what is stored", shown_,
       known.suffix, is_same ? "cut" : "removed or replaced");
}

}  // namespace idleheads
