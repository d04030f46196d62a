// Which idleheads this is.
#pragma once

#include <string>

namespace idleheads {

std::string version();  // "0.1.0"
// The commit it was built from: "98c23f8d0c1a", with "-dirty" behind if files differed from it; "unknown" if
// it was not built in its own git repository.
std::string commit();
// Both: "0.1.0 (98c23f8d0c1a)".
std::string build_description();
std::string build_settings();  // "Release, GCC 12.2.0"

}  // namespace idleheads
