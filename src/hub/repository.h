// A repository of the Hub at one revision: its commit and files, as the Hub lists them.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "hub/http.h"
#include "idleheads/base/error.h"
#include "model/hub_cache.h"

namespace idleheads {

struct RepositoryName {
  HubKind kind = HubKind::model;
  std::string name;      // "org/name"
  std::string revision;  // "main"
};

struct RemoteFile {
  std::string path;    // relative to the repository; safe to be a path on disk
  int64_t size = 0;    // bytes
  std::string digest;  // 64 hexadecimal digits of SHA-256, or 40 of git's SHA-1 of a blob
  bool is_sha256() const { return digest.size() == 64; }
};

struct RemoteRepository {
  RepositoryName name;
  std::string commit;             // 40 hexadecimal digits
  std::vector<RemoteFile> files;  // sorted by path

  const RemoteFile* find(const std::string& path) const;  // nullptr if there is none
  std::vector<std::filesystem::path> paths() const;
};

// Thrown for a repository or revision that is not there or not for this user: another one may do.
class NotThere : public Error {
 public:
  using Error::Error;
};

// Asks the Hub. Throws NotThere; Error for an answer that is none of the Hub's, and for files whose names
// would lie outside of the repository's folder.
RemoteRepository list_repository(HttpClient& http, const HubSettings& settings, const RepositoryName& name);

// The address of a file at the listed commit.
std::string address_of(const HubSettings& settings, const RemoteRepository& repository,
                       const RemoteFile& file);

// Throws NotThere or Error with what to do for an answer other than 200 and 206.
void require_success(const HttpReply& reply, const HubSettings& settings, const RepositoryName& name);

}  // namespace idleheads
