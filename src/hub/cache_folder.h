// A repository's folder in the local cache, written as huggingface_hub writes it: blobs/ by the files' sums,
// snapshots/COMMIT/ with links to them, refs/ with the commits of names, and locks beside.
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <string_view>

#include "hub/http.h"
#include "hub/repository.h"
#include "strings/digest.h"

namespace idleheads {

// The lock of a blob, held while this lives; other processes and huggingface_hub take the same.
class BlobLock {
 public:
  // Waits for it; `waiting` is called meanwhile, and throws to stop.
  BlobLock(const std::filesystem::path& file, const std::function<void()>& waiting);
  ~BlobLock();
  BlobLock(const BlobLock&) = delete;
  BlobLock& operator=(const BlobLock&) = delete;

 private:
  int descriptor_ = -1;
};

// A blob that is being downloaded: DIGEST.incomplete, which goes on where an earlier one stopped. Used under
// the blob's lock. Throws Error that names the file where it cannot be written.
class IncompleteBlob : public HttpSink {
 public:
  // `grown` is called with the bytes that the file has now.
  IncompleteBlob(std::filesystem::path blob, const RemoteFile& file, std::function<void(int64_t)> grown);
  ~IncompleteBlob() override;
  IncompleteBlob(const IncompleteBlob&) = delete;
  IncompleteBlob& operator=(const IncompleteBlob&) = delete;

  int64_t size() const override { return size_; }
  bool is_whole() const override { return size_ == file_.size; }
  void clear() override;
  void add(std::string_view bytes) override;  // throws Error for more than the file has
  // Gives the blob its name. Where the bytes are not those of the file, removes them and returns false.
  bool finish();

 private:
  void restart_digest();
  void read_what_is_there();

  std::filesystem::path blob_, path_;
  RemoteFile file_;
  std::function<void(int64_t)> grown_;
  Digest digest_;
  int descriptor_ = -1;
  int64_t size_ = 0;
};

class CacheFolder {
 public:
  CacheFolder(const std::filesystem::path& cache, const RepositoryName& name, std::string commit);

  // Makes the folders that files are downloaded into. Throws Error before any is made if one of them cannot
  // be written.
  void prepare() const;
  std::filesystem::path snapshot() const;
  std::filesystem::path blob(const RemoteFile& file) const { return folder_ / "blobs" / file.digest; }
  std::filesystem::path lock(const RemoteFile& file) const;
  // Whether the file is in the snapshot, or its blob in the cache, with its size.
  bool has(const RemoteFile& file) const;
  bool has_blob(const RemoteFile& file) const;
  // Bytes of the file that are there, whole or not.
  int64_t bytes_of(const RemoteFile& file) const;
  // The file's link in the snapshot; the blob is there.
  void link(const RemoteFile& file) const;
  // Makes the revision's name lead to the commit: from now on the snapshot is found.
  void set_reference() const;
  // Throws Error if the disk has less room than this.
  void require_room(int64_t bytes) const;

 private:
  std::filesystem::path cache_, folder_;
  std::string revision_, commit_;
};

}  // namespace idleheads
