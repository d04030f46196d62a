#include "hub/cache_folder.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <system_error>

#include "base/byte_size.h"
#include "base/fail.h"
#include "base/mapped_file.h"

namespace idleheads {
namespace {

namespace fs = std::filesystem;

void make_folder(const fs::path& folder) {
  std::error_code error;
  fs::create_directories(folder, error);
  if (error) fail("{}: the folder cannot be made: {}", shown_path(folder), error.message());
}

// Throws Error where the folder, or what there is of those above it, cannot be written.
void require_writable(const fs::path& folder) {
  fs::path place = fs::absolute(folder);
  std::error_code ignored;
  while (!fs::exists(place, ignored) && place.has_relative_path()) place = place.parent_path();
  if (!fs::is_directory(place, ignored)) fail("{}: this is not a folder", shown_path(place));
  if (::access(place.c_str(), W_OK | X_OK) == 0) return;
  fail("{}: the folder cannot be written: {}; change its permissions, or give another folder as HF_HUB_CACHE",
       shown_path(place), std::strerror(errno));
}

// A name beside `path` that no other process or thread uses.
fs::path beside(const fs::path& path) {
  static std::atomic<unsigned> count = 0;
  return path.string() + fmt::format(".{}.{}.tmp", ::getpid(), ++count);
}

void rename_over(const fs::path& from, const fs::path& to) {
  std::error_code error;
  fs::rename(from, to, error);
  if (error) fail("{}: cannot be written: {}", shown_path(to), error.message());
}

// -1 if there is no such file.
int64_t size_of(const fs::path& path) {
  std::error_code error;
  if (!fs::is_regular_file(path, error)) return -1;
  const auto size = fs::file_size(path, error);
  return error ? -1 : static_cast<int64_t>(size);
}

}  // namespace

CacheFolder::CacheFolder(const fs::path& cache, const RepositoryName& name, std::string commit)
    : cache_(cache),
      folder_(cache / hub_folder(name.kind, name.name)),
      revision_(name.revision),
      commit_(std::move(commit)) {}

void CacheFolder::prepare() const {
  const fs::path folders[] = {folder_ / "blobs", snapshot(), cache_ / ".locks" / folder_.filename()};
  for (const fs::path& folder : folders) require_writable(folder);
  require_writable(folder_ / "refs");  // which the commit's name will need
  for (const fs::path& folder : folders) make_folder(folder);
}

fs::path CacheFolder::snapshot() const { return folder_ / "snapshots" / commit_; }

fs::path CacheFolder::lock(const RemoteFile& file) const {
  return cache_ / ".locks" / folder_.filename() / (file.digest + ".lock");
}

bool CacheFolder::has_blob(const RemoteFile& file) const { return size_of(blob(file)) == file.size; }

bool CacheFolder::has(const RemoteFile& file) const {
  return has_blob(file) || size_of(snapshot() / file.path) == file.size;
}

int64_t CacheFolder::bytes_of(const RemoteFile& file) const {
  if (has(file)) return file.size;
  const int64_t part = size_of(blob(file).string() + ".incomplete");
  return std::clamp<int64_t>(part, 0, file.size);
}

void CacheFolder::link(const RemoteFile& file) const {
  const fs::path link = snapshot() / file.path;
  if (!has_blob(file)) return;  // a file of its own, from a tool that makes no links
  make_folder(link.parent_path());
  const fs::path target = blob(file).lexically_relative(link.parent_path());
  std::error_code error;
  if (fs::is_symlink(link, error) && fs::read_symlink(link, error) == target) return;
  const fs::path made = beside(link);
  fs::remove(made, error);
  fs::create_symlink(target, made, error);
  if (error) fail("{}: the link cannot be made: {}", shown_path(link), error.message());
  rename_over(made, link);
}

void CacheFolder::set_reference() const {
  if (revision_ == commit_) return;
  const fs::path reference = folder_ / "refs" / revision_;
  std::error_code ignored;
  if (fs::is_regular_file(reference, ignored) && read_text_file(reference, 4096) == commit_) return;
  make_folder(reference.parent_path());
  const fs::path made = beside(reference);
  std::ofstream file(made, std::ios::binary | std::ios::trunc);
  file << commit_;
  file.close();
  if (!file) fail("{}: cannot be written", shown_path(reference));
  rename_over(made, reference);
}

void CacheFolder::require_room(int64_t bytes) const {
  std::error_code error;
  const fs::space_info space = fs::space(folder_, error);
  if (error || space.available >= static_cast<uint64_t>(bytes)) return;
  fail(
      "{}: {} are to be downloaded, and the disk has {} free; make room, or give another disk's folder as "
      "HF_HUB_CACHE",
      shown_path(cache_), byte_size(bytes), byte_size(static_cast<int64_t>(space.available)));
}

}  // namespace idleheads
