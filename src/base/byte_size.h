// Sizes of files as people say them.
#pragma once

#include <string>

namespace idleheads {

// "48.3 kB", "270.6 MB", "16060.6 MB": kilobytes of 1000 bytes below a megabyte, else megabytes.
std::string byte_size(double bytes);

}  // namespace idleheads
