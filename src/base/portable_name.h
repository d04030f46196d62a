// A model's name as it may be kept in results that other people read.
#pragma once

#include <string>

namespace idleheads {

// `name` as it was given to Model::open, without the folders of this machine: a relative path or org/name
// stays as it is; of a snapshot in the Hugging Face cache org/name is left (and the file, if it names one),
// of any other path, also one that begins with ~ or goes up by .., the last part.
std::string portable_name(const std::string& name);

}  // namespace idleheads
