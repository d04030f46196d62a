// Files of a repository into the local cache: those that are not there yet.
#pragma once

#include <chrono>
#include <cstdint>
#include <span>
#include <string>

#include "hub/cache_folder.h"
#include "hub/http.h"
#include "hub/repository.h"
#include "idleheads/base/progress.h"
#include "idleheads/hub/fetch.h"

namespace idleheads {

// One fetch: what it asks the Hub, and what it tells its caller.
class Download {
 public:
  Download(HubSettings settings, ProgressCallback progress);

  // As list_repository.
  RemoteRepository list(const RepositoryName& name);
  // Brings the files into the repository's snapshot, which has a name only after publish(). A file whose
  // bytes do not have the sum that the Hub names is tried once more. Throws as fetch_model does.
  void get(const RemoteRepository& repository, std::span<const RemoteFile> files);
  // Makes the repository's revision lead to what get() brought, and says what that was.
  Fetched publish(const RemoteRepository& repository);

 private:
  void get_one(const RemoteRepository& repository, const CacheFolder& folder, const RemoteFile& file);
  void report();

  HubSettings settings_;
  ProgressCallback callback_;
  Progress progress_;
  std::string trouble_;                           // of the server
  int64_t before_ = 0, current_ = 0, total_ = 0;  // bytes: of files that are done, of this one, of all
  int64_t fresh_ = 0;                             // bytes that came over the network
  int64_t timed_from_ = 0;                        // of those: what had come at `begin_`
  std::chrono::steady_clock::time_point begin_ = std::chrono::steady_clock::now();
  HttpClient http_;
};

}  // namespace idleheads
