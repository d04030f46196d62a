// Whether a study file is whole.
#pragma once

#include <filesystem>

#include "studyfile/sqlite.h"

namespace idleheads {

// Throws Error if the file ends before the last page that the database says it has: SQLite reads what is
// missing of that as zeros, which would pass for results.
void require_whole(sqlite::Database& database, const std::filesystem::path& path);

// Throws Error unless every page is one of a database still, as far as its own structure tells.
void require_sound(sqlite::Database& database);

}  // namespace idleheads
