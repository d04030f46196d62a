#include "studyfile/store_repair.h"

#include <fcntl.h>
#include <unistd.h>

#include "base/fail.h"
#include "studyfile/sqlite.h"
#include "studyfile/store_lock.h"

namespace idleheads {
namespace {

bool writable(const std::filesystem::path& path, int mode) {
  return ::faccessat(AT_FDCWD, path.c_str(), mode, AT_EACCESS) == 0;
}

}  // namespace

void finish_stopped_run(const std::filesystem::path& study) {
  std::error_code error;
  const std::filesystem::path real = std::filesystem::canonical(study, error);
  if (error || !writable(real, W_OK) || !writable(real.parent_path(), W_OK | X_OK)) {
    fail(
        "{}: a run was stopped before it could tidy up, which needs writing to the file and its folder; "
        "start the "
        "study again (same command) to repair it, or copy it with the files named like it (-wal, -journal) "
        "to a "
        "folder that can be written",
        shown_path(study));
  }
  const WriterLock lock(study);
  sqlite::Database database(study, sqlite::Database::Mode::read_write);
  database.query_int("SELECT count(*) FROM sqlite_schema");
}

}  // namespace idleheads
