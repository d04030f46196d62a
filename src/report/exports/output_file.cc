#include "report/exports/output_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <random>
#include <string>
#include <system_error>
#include <utility>

#include "base/fail.h"
#include "report/exports/output_place.h"

namespace idleheads {
namespace {

namespace fs = std::filesystem;

constexpr size_t kBuffer = size_t{1} << 20;
constexpr size_t kNameBytes = 200;  // of a name in the temporary one; file systems allow 255

// Some file systems cannot do this at all, which is no reason to refuse them.
bool synced(int descriptor) {
  return ::fsync(descriptor) == 0 || errno == EINVAL || errno == ENOTSUP || errno == ENOSYS || errno == EROFS;
}

}  // namespace

OutputFolder::OutputFolder(const fs::path& folder) {
  const std::string shown = shown_path(folder);
  std::error_code error;
  std::vector<fs::path> missing;
  for (fs::path path = fs::absolute(folder); !path.empty() && !fs::exists(path, error);
       path = path.parent_path()) {
    if (!path.filename().empty()) missing.push_back(path);
  }
  for (auto path = missing.rbegin(); path != missing.rend(); ++path) {
    if (fs::create_directory(*path, error)) made_.push_back(*path);
    if (error) break;
  }
  if (!error && !fs::is_directory(folder, error) && !error)
    error = std::make_error_code(std::errc::not_a_directory);
  const std::string reason = error.message();
  const bool unwritable = !error && ::faccessat(AT_FDCWD, folder.c_str(), W_OK | X_OK, AT_EACCESS) != 0;
  const int access_error = errno;
  if (!error && !unwritable) return;
  for (auto path = made_.rbegin(); path != made_.rend(); ++path) ::rmdir(path->c_str());
  if (unwritable) fail("{}: nothing can be written there: {}", shown, std::strerror(access_error));
  fail("{}: the folder cannot be made: {}", shown, reason);
}

OutputFolder::~OutputFolder() {
  for (auto path = made_.rbegin(); path != made_.rend(); ++path) ::rmdir(path->c_str());  // only if empty
}

struct OutputFile::Impl {
  explicit Impl(const fs::path& path);
  ~Impl();
  void open_temporary();
  void open_stream();
  void write_all(std::string_view bytes);
  void flush();
  void prepare();
  void commit();
  [[noreturn]] void fail_unwritten(int error) const {
    fail("{}: cannot be written: {}", shown, error == 0 ? "no reason given" : std::strerror(error));
  }
  bool is_stream() const { return place.kind == OutputPlace::Kind::stream; }

  std::string shown;  // the path as given, for messages
  OutputPlace place;
  fs::path temporary;  // empty once there is none
  int descriptor = -1;
  std::string buffer;
  uint64_t flushed = 0;  // bytes before those in `buffer`
  bool prepared = false;
};

OutputFile::Impl::Impl(const fs::path& path) : shown(shown_path(path)), place(find_output_place(path)) {
  is_stream() ? open_stream() : open_temporary();
}

OutputFile::Impl::~Impl() {
  if (descriptor >= 0) ::close(descriptor);
  if (!temporary.empty()) ::unlink(temporary.c_str());
}

// A name nobody can have foreseen, never one that is there.
void OutputFile::Impl::open_temporary() {
  std::random_device random;
  const std::string name = place.path.filename().string().substr(0, kNameBytes);
  while (true) {
    temporary = place.path.parent_path() / fmt::format("{}.{:08x}{:08x}.part", name, random(), random());
    descriptor = ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666);
    if (descriptor >= 0) break;
    if (errno == EEXIST) continue;
    const int error = errno;
    temporary.clear();
    fail_unwritten(error);
  }
  if (!place.mode || ::fchmod(descriptor, *place.mode) == 0) return;
  const int error = errno;  // the destructor does not run when the constructor throws
  ::close(descriptor);
  ::unlink(temporary.c_str());
  fail_unwritten(error);
}

void OutputFile::Impl::open_stream() {
  if (place.descriptor) {
    descriptor = ::fcntl(*place.descriptor, F_DUPFD_CLOEXEC, 3);
  } else {
    // O_NONBLOCK: a pipe that nobody reads must not block for ever.
    descriptor = ::open(place.path.c_str(), O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (descriptor < 0 && errno == ENXIO) fail("{}: cannot be written: a pipe that nobody reads", shown);
    if (descriptor >= 0) ::fcntl(descriptor, F_SETFL, ::fcntl(descriptor, F_GETFL) & ~O_NONBLOCK);
  }
  if (descriptor < 0) fail_unwritten(errno);
}

void OutputFile::Impl::write_all(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(descriptor, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) fail_unwritten(written < 0 ? errno : 0);
    bytes.remove_prefix(static_cast<size_t>(written));
  }
}

void OutputFile::Impl::flush() {
  write_all(buffer);
  flushed += buffer.size();
  buffer.clear();
}

void OutputFile::Impl::prepare() {
  if (prepared) return;
  if (!is_stream()) {
    flush();
    if (!synced(descriptor)) fail_unwritten(errno);
  }
  prepared = true;
}

void OutputFile::Impl::commit() {
  prepare();
  if (is_stream()) {
    flush();
    return;
  }
  if (::close(std::exchange(descriptor, -1)) != 0 && errno != EINTR) fail_unwritten(errno);
  if (::rename(temporary.c_str(), place.path.c_str()) != 0) fail_unwritten(errno);
  temporary.clear();
  // So that the new name survives a power cut, too; where that cannot be had the file is whole all the same.
  const int folder = ::open(place.path.parent_path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (folder < 0) return;
  ::fsync(folder);
  ::close(folder);
}

OutputFile::OutputFile(const fs::path& path) : impl_(std::make_unique<Impl>(path)) {}
OutputFile::~OutputFile() = default;
OutputFile::OutputFile(OutputFile&&) noexcept = default;
OutputFile& OutputFile::operator=(OutputFile&&) noexcept = default;

void OutputFile::write(std::string_view text) {
  impl_->buffer += text;
  if (impl_->buffer.size() >= kBuffer && !impl_->is_stream()) impl_->flush();
}

void OutputFile::write(std::span<const std::byte> bytes) {
  write(std::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size()));
}

void OutputFile::overwrite(uint64_t position, std::string_view bytes) {
  // The bytes lie in the buffer, in what was flushed before it, or in both.
  const uint64_t flushed = impl_->flushed;
  const auto before =
      static_cast<size_t>(std::min<uint64_t>(bytes.size(), flushed - std::min(flushed, position)));
  for (size_t done = 0; done < before;) {
    const ssize_t written =
        ::pwrite(impl_->descriptor, bytes.data() + done, before - done, static_cast<off_t>(position + done));
    if (written <= 0) impl_->fail_unwritten(written < 0 ? errno : 0);
    done += static_cast<size_t>(written);
  }
  bytes.remove_prefix(before);
  if (bytes.empty()) return;
  impl_->buffer.replace(static_cast<size_t>(position + before - flushed), bytes.size(), bytes);
}

uint64_t OutputFile::size() const { return impl_->flushed + impl_->buffer.size(); }
void OutputFile::prepare() { impl_->prepare(); }
void OutputFile::commit() { impl_->commit(); }

}  // namespace idleheads
