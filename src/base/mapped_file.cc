#include "base/mapped_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <utility>

#include "base/fail.h"

namespace idleheads {
namespace {

constexpr size_t kShownBytes = 300;  // of a path in a message
// A page that is read brings in those around it, Linux' fault-around, as far as they are in the page cache.
constexpr uintptr_t kMappedAround = 64 << 10;

// What a signal handler may read of a mapping. Entries are never freed, only used again, so that the handler
// can walk along them at any moment.
struct KnownMapping {
  std::array<char, kShownBytes + 4> name = {};  // "..." and the end
  std::atomic<uintptr_t> begin = 0;
  std::atomic<uintptr_t> end = 0;  // 0: the entry is free
  std::atomic<bool> taken = true;
  KnownMapping* next = nullptr;
};
std::atomic<KnownMapping*> g_known = nullptr;

KnownMapping* take_entry() {
  for (KnownMapping* entry = g_known; entry != nullptr; entry = entry->next) {
    if (!entry->taken.exchange(true)) return entry;
  }
  auto* entry = new KnownMapping;  // leaked on purpose, see above
  entry->next = g_known;
  while (!g_known.compare_exchange_weak(entry->next, entry)) {
  }
  return entry;
}

KnownMapping* make_known(const std::string& shown, std::span<const std::byte> bytes) {
  KnownMapping* entry = take_entry();
  const size_t length = std::min(shown.size(), entry->name.size() - 1);
  std::copy_n(shown.data(), length, entry->name.data());
  entry->name[length] = '\0';
  entry->begin = reinterpret_cast<uintptr_t>(bytes.data());
  entry->end = reinterpret_cast<uintptr_t>(bytes.data()) + bytes.size();
  return entry;
}

void forget_known(void* known) {
  auto* entry = static_cast<KnownMapping*>(known);
  entry->end = 0;
  entry->taken = false;
}

const KnownMapping* entry_at(const void* address) {
  const auto place = reinterpret_cast<uintptr_t>(address);
  for (const KnownMapping* entry = g_known; entry != nullptr; entry = entry->next) {
    // The last page is readable beyond the end of the file, so the entry need not be rounded up.
    if (entry->begin <= place && place < entry->end) return entry;
  }
  return nullptr;
}

int64_t nanoseconds(const timespec& time) { return int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec; }

FileState state_of(const struct stat& info) {
  return {info.st_size, nanoseconds(info.st_mtim), nanoseconds(info.st_ctim)};
}

// Closes the descriptor unless it is released.
class Descriptor {
 public:
  explicit Descriptor(int number) : number_(number) {}
  ~Descriptor() {
    if (number_ >= 0) ::close(number_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return number_; }
  int release() { return std::exchange(number_, -1); }

 private:
  int number_;
};

}  // namespace

MappedFile::MappedFile(const std::filesystem::path& path) : path_(path) {
  const std::string shown = printable(path.string(), kShownBytes);
  // O_NONBLOCK: a pipe must not block.
  Descriptor descriptor(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (descriptor.get() < 0) fail("{}: cannot open: {}", shown, std::strerror(errno));
  struct stat info = {};
  if (::fstat(descriptor.get(), &info) != 0 || !S_ISREG(info.st_mode)) fail("{}: not a regular file", shown);
  const auto size = static_cast<size_t>(info.st_size);
  if (size > 0) {
    void* address = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, descriptor.get(), 0);
    if (address == MAP_FAILED) fail("{}: cannot map {} bytes: {}", shown, size, std::strerror(errno));
    bytes_ = {static_cast<const std::byte*>(address), size};
    known_ = make_known(shown, bytes_);
  }
  state_ = state_of(info);
  descriptor_ = descriptor.release();
}

MappedFile::~MappedFile() {
  if (known_ != nullptr) forget_known(known_);
  if (!bytes_.empty()) ::munmap(const_cast<std::byte*>(bytes_.data()), bytes_.size());
  if (descriptor_ >= 0) ::close(descriptor_);
}

MappedFile::MappedFile(MappedFile&& other) noexcept
    : path_(std::move(other.path_)),
      bytes_(std::exchange(other.bytes_, {})),
      descriptor_(std::exchange(other.descriptor_, -1)),
      state_(other.state_),
      known_(std::exchange(other.known_, nullptr)) {}

MappedFile& MappedFile::operator=(MappedFile&& other) noexcept {
  std::swap(path_, other.path_);
  std::swap(bytes_, other.bytes_);
  std::swap(descriptor_, other.descriptor_);
  std::swap(state_, other.state_);
  std::swap(known_, other.known_);
  return *this;
}

FileState MappedFile::state_now() const {
  struct stat info = {};
  if (::fstat(descriptor_, &info) != 0) {
    fail("{}: cannot tell whether it has changed: {}", printable(path_.string(), kShownBytes),
         std::strerror(errno));
  }
  return state_of(info);
}

void MappedFile::require_unchanged() const {
  const FileState now = state_now();
  if (now.size == state_.size && now.modified == state_.modified) return;
  fail("{}: changed while it was in use ({}); what was computed since is not kept: start again",
       printable(path_.string(), kShownBytes),
       now.size == state_.size ? "its time of modification is another"
                               : fmt::format("{} bytes, it had {}", now.size, state_.size));
}

const char* mapped_file_at(const void* address) noexcept {
  const KnownMapping* entry = entry_at(address);
  return entry == nullptr ? nullptr : entry->name.data();
}

void forget_pages(std::span<const std::byte> mapped) {
  const KnownMapping* entry = entry_at(mapped.data());
  if (entry == nullptr) return;
  const auto begin = reinterpret_cast<uintptr_t>(mapped.data());
  const uintptr_t first = std::max(begin / kMappedAround * kMappedAround, entry->begin.load());
  const uintptr_t end = (begin + mapped.size() + kMappedAround - 1) / kMappedAround * kMappedAround;
  const uintptr_t last = std::min(end, entry->end.load());
  if (first < last) ::madvise(reinterpret_cast<void*>(first), last - first, MADV_DONTNEED);
}

std::string read_text_file(const std::filesystem::path& path, size_t limit) {
  const MappedFile file(path);
  if (file.bytes().size() > limit) {
    fail("{}: {} bytes, expected at most {}", shown_path(path), file.bytes().size(), limit);
  }
  return {reinterpret_cast<const char*>(file.bytes().data()), file.bytes().size()};
}

}  // namespace idleheads
