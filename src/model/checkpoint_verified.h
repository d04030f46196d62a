// What Checkpoint knows of its files beyond their names: for checkpoint*.cc alone.
#pragma once

#include <mutex>
#include <string>
#include <vector>

#include "base/mapped_file.h"
#include "model/checkpoint.h"

namespace idleheads {

struct Checkpoint::Verified {
  std::mutex mutex;
  std::string fingerprint;          // empty until it is asked for
  std::vector<FileState> accepted;  // of each file: the contents were those of the fingerprint then
};

}  // namespace idleheads
