#include "studyfile/store_whole.h"

#include <fmt/format.h>

#include "studyfile/store_check.h"

namespace idleheads {

// With a log beside it the file may end anywhere: a checkpoint may have been stopped.
void require_whole(sqlite::Database& database, const std::filesystem::path& path) {
  const sqlite::Transaction unchanging(database, sqlite::Transaction::Kind::read);
  const int64_t expected = database.bytes();
  std::error_code error;
  const auto size = static_cast<int64_t>(std::filesystem::file_size(path, error));
  if (!error && size < expected && !has_log(path)) {
    database.raise_damaged(fmt::format("cut off after {} of {} bytes", size, expected));
  }
}

void require_sound(sqlite::Database& database) {
  sqlite::Statement check(database, "PRAGMA quick_check(1)");
  if (check.step() && check.text(0) != "ok") database.raise_damaged(std::string(check.text(0)));
}

}  // namespace idleheads
