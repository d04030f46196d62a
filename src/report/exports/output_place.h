// Where the name of an output leads, before anything is written there.
#pragma once

#include <filesystem>
#include <optional>

namespace idleheads {

struct OutputPlace {
  enum class Kind {
    file,    // a regular file at `path`, or none yet
    stream,  // a device or pipe at `path`, or the descriptor
  };
  Kind kind = Kind::file;
  std::filesystem::path path;     // no symbolic link
  std::optional<int> descriptor;  // of this process, which /dev/stdout or /dev/fd/3 stand for
  std::optional<unsigned> mode;   // permissions of the file that is there
};

// Follows symbolic links, also one that leads to a name that is not there. Throws Error that names what
// cannot be written: a folder, a socket, a block device, a read-only file, a study or other database, links
// in a circle, a link of another user in a folder that all may write (the system's own rule for such links,
// which the following by hand would get around).
OutputPlace find_output_place(const std::filesystem::path& path);

}  // namespace idleheads
