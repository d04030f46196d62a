#include "model/checkpoint_verified.h"

#include "base/fail.h"

namespace idleheads {

Checkpoint::~Checkpoint() = default;

std::string Checkpoint::fingerprint() const {
  const std::lock_guard lock(verified_->mutex);
  if (verified_->fingerprint.empty()) verified_->fingerprint = compute_fingerprint();
  return verified_->fingerprint;
}

void Checkpoint::require_unchanged() const {
  const std::lock_guard lock(verified_->mutex);
  std::vector<FileState>& accepted = verified_->accepted;
  std::vector<FileState> now;
  for (const MappedFile& file : files_) {
    file.require_unchanged();
    if (accepted.size() < files_.size()) accepted.push_back(file.state());
    now.push_back(file.state_now());
  }
  if (now == accepted) return;
  if (verified_->fingerprint.empty() || verified_->fingerprint != compute_fingerprint()) {
    fail("{}: changed while it was in use; what was computed since is not kept: start again",
         shown_path(path_));
  }
  accepted = std::move(now);
}

}  // namespace idleheads
