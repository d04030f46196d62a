#include "hub/download.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "base/byte_size.h"
#include "base/fail.h"

namespace idleheads {

Download::Download(HubSettings settings, ProgressCallback progress)
    : settings_(std::move(settings)),
      callback_(std::move(progress)),
      http_(settings_, [this](const std::string& trouble) {
        trouble_ = trouble;
        report();
      }) {
  progress_.phase = "asking " + settings_.endpoint;
  progress_.unit = "MB";
}

void Download::report() {
  constexpr double kMegabyte = 1e6;
  progress_.done = static_cast<double>(before_ + current_) / kMegabyte;
  progress_.total =
      total_ > 0 ? static_cast<double>(total_) / kMegabyte : 1;  // the listing is one piece of work
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin_).count();
  progress_.note = trouble_;
  if (const int64_t timed = fresh_ - timed_from_; trouble_.empty() && timed > 0)
    progress_.note = byte_size(std::llround(static_cast<double>(timed) / std::max(seconds, 1e-3))) + "/s";
  if (callback_ && !callback_(progress_))
    throw Interrupted("stopped; what was downloaded is kept, the same command goes on");
}

RemoteRepository Download::list(const RepositoryName& name) {
  return list_repository(http_, settings_, name);
}

void Download::get(const RemoteRepository& repository, std::span<const RemoteFile> files) {
  const CacheFolder folder(settings_.cache, repository.name, repository.commit);
  int64_t there = 0;
  for (const RemoteFile& file : files) {
    total_ += file.size;
    there += folder.bytes_of(file);
  }
  if (!std::ranges::all_of(files, [&](const RemoteFile& file) { return folder.has(file); })) folder.prepare();
  folder.require_room(total_ - before_ - there);
  progress_.phase = repository.name.name;
  progress_.stored = static_cast<double>(before_ + there) / 1e6;
  begin_ = std::chrono::steady_clock::now();
  timed_from_ = fresh_;
  for (const RemoteFile& file : files) {
    get_one(repository, folder, file);
    before_ += file.size;
    current_ = 0;
    report();
  }
}

void Download::get_one(const RemoteRepository& repository, const CacheFolder& folder,
                       const RemoteFile& file) {
  for (int tries = 1; !folder.has(file); ++tries) {
    const BlobLock lock(folder.lock(file), [&] {
      trouble_ = "another fetch downloads this file, waiting for it";
      report();
    });
    trouble_.clear();
    if (folder.has(file)) break;  // the other one has brought it
    bool is_new = false;
    IncompleteBlob blob(folder.blob(file), file, [&](int64_t size) {
      if (is_new) fresh_ += std::max<int64_t>(0, size - current_);
      current_ = size;
      report();
    });
    is_new = true;
    if (!blob.is_whole()) {
      require_success(http_.get(address_of(settings_, repository, file), blob), settings_, repository.name);
    }
    if (blob.finish()) break;
    if (tries == 2) {
      fail(
          "{}: {} of {} does not have the {} that the Hub names, twice; try again later, or look at what "
          "stands "
          "between you and the Hub",
          settings_.endpoint, printable(file.path, 200), repository.name.name,
          file.is_sha256() ? "SHA-256" : "SHA-1");
    }
  }
  folder.link(file);
}

Fetched Download::publish(const RemoteRepository& repository) {
  const CacheFolder folder(settings_.cache, repository.name, repository.commit);
  folder.set_reference();
  Fetched fetched;
  fetched.repository = repository.name.name;
  fetched.commit = repository.commit;
  fetched.path = folder.snapshot();
  fetched.bytes = before_;
  fetched.downloaded = fresh_;
  return fetched;
}

}  // namespace idleheads
