#include "report/exports/output_place.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstring>
#include <string>
#include <system_error>

#include "base/fail.h"
#include "studyfile/sqlite.h"

namespace idleheads {
namespace {

namespace fs = std::filesystem;

constexpr int kMostLinks = 40;  // Linux's own limit

// The folder of a name, without symbolic links.
fs::path real_folder(const fs::path& path, const std::string& shown) {
  std::error_code error;
  const fs::path folder = path.parent_path().empty() ? fs::path(".") : path.parent_path();
  fs::path real = fs::canonical(folder, error);
  if (error) fail("{}: cannot be written: {} ({})", shown, error.message(), shown_path(folder));
  return real;
}

// N where `path` is entry N of this process's list of open files.
std::optional<int> own_descriptor(const fs::path& folder, const fs::path& path) {
  std::error_code error;
  const fs::path list = fs::canonical("/proc/self/fd", error);
  if (error || folder != list) return {};
  const std::string name = path.filename().string();
  int number = -1;
  const auto [end, bad] = std::from_chars(name.data(), name.data() + name.size(), number);
  if (bad != std::errc() || end != name.data() + name.size()) return {};
  return number;
}

void refuse_planted(const fs::path& folder, const struct stat& link, const std::string& shown) {
  struct stat info = {};
  if (::stat(folder.c_str(), &info) != 0) return;
  const bool shared = (info.st_mode & S_ISVTX) != 0 && (info.st_mode & S_IWOTH) != 0;
  if (!shared || link.st_uid == ::geteuid() || link.st_uid == info.st_uid) return;
  fail("{}: a symbolic link of another user in a folder that all may write; give another name", shown);
}

OutputPlace place_of_descriptor(int number, const std::string& shown) {
  struct stat info = {};
  const int flags = ::fcntl(number, F_GETFL);
  if (flags < 0 || ::fstat(number, &info) != 0)
    fail("{}: cannot be written: {}", shown, std::strerror(errno));
  if ((flags & O_ACCMODE) == O_RDONLY || S_ISDIR(info.st_mode))
    fail("{}: cannot be written: open for reading", shown);
  return {OutputPlace::Kind::stream, {}, number, {}};
}

OutputPlace place_of_existing(const fs::path& path, const struct stat& info, const std::string& shown) {
  if (S_ISDIR(info.st_mode)) fail("{}: is a folder, expected the name of a file to write", shown);
  if (S_ISCHR(info.st_mode) || S_ISFIFO(info.st_mode)) return {OutputPlace::Kind::stream, path, {}, {}};
  if (!S_ISREG(info.st_mode)) {
    fail("{}: is a {}, expected the name of a file to write", shown,
         S_ISSOCK(info.st_mode) ? "socket" : "disk");
  }
  // A study is hours of work, and one wrong --output away from being replaced.
  if (sqlite::is_database(path))
    fail("{}: is a study file or another database, which is not replaced; give another name", shown);
  if (::faccessat(AT_FDCWD, path.c_str(), W_OK, AT_EACCESS) != 0)
    fail("{}: cannot be written: {}", shown, std::strerror(errno));
  return {OutputPlace::Kind::file, path, {}, info.st_mode & 0777u};
}

}  // namespace

OutputPlace find_output_place(const fs::path& path) {
  const std::string shown = shown_path(path);
  fs::path place = path;
  for (int links = 0; links <= kMostLinks; ++links) {
    const fs::path folder = real_folder(place, shown);
    if (const std::optional<int> descriptor = own_descriptor(folder, place))
      return place_of_descriptor(*descriptor, shown);
    if (place.filename().empty() || place.filename() == "." || place.filename() == "..")
      fail("{}: is a folder, expected the name of a file to write", shown);
    place = folder / place.filename();
    struct stat info = {};
    if (::lstat(place.c_str(), &info) != 0) {
      if (errno != ENOENT) fail("{}: cannot be written: {}", shown, std::strerror(errno));
      return {OutputPlace::Kind::file, place, {}, {}};
    }
    if (!S_ISLNK(info.st_mode)) return place_of_existing(place, info, shown);
    refuse_planted(folder, info, shown);
    std::error_code error;
    const fs::path target = fs::read_symlink(place, error);
    if (error) fail("{}: cannot be written: {}", shown, error.message());
    place = target.is_absolute() ? target : folder / target;
  }
  fail("{}: cannot be written: symbolic links in a circle", shown);
}

}  // namespace idleheads
