// Sizes of files as people say them.
#pragma once

#include <cstdint>
#include <string>

namespace idleheads {

// "812 B", "48.3 kB", "270.6 MB", "16060.6 MB": a kB has 1000 bytes, and nothing is larger than MB.
std::string byte_size(int64_t bytes);

}  // namespace idleheads
