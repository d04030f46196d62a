#include "cli/output_note.h"

#include <filesystem>
#include <system_error>
#include <utility>

#include "base/fail.h"
#include "cli/terminal.h"

namespace idleheads::cli {
namespace {

// An empty file has nothing to lose: what `-o /dev/stdout > page.html` or mktemp made.
bool has_content(const std::filesystem::path& path) {
  std::error_code error;
  return std::filesystem::is_regular_file(path, error) && std::filesystem::file_size(path, error) > 0 &&
         !error;
}

}  // namespace

OutputNote::OutputNote(std::string path) : path_(std::move(path)), replaces_(has_content(path_)) {}

void OutputNote::say(std::string_view more) const {
  cli::say("{} {}{}\n", replaces_ ? "replaced" : "wrote", shown_path(path_), more);
}

}  // namespace idleheads::cli
