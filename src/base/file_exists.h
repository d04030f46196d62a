// Whether a file is there, without taking a broken one for a missing one.
#pragma once

#include <filesystem>

namespace idleheads {

// False if no entry of that name exists. Throws Error for an entry that cannot be followed: a link whose
// target is gone, links in a circle, a folder that may not be searched. (std::filesystem::exists says "no" to
// a link without a target, so that a half-removed cache would look like a model without that file.)
bool file_exists(const std::filesystem::path& path);

}  // namespace idleheads
