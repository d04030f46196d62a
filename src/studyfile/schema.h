// The tables of a study file and their versions (docs/study_format.md).
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "studyfile/sqlite.h"

namespace idleheads {

inline constexpr int64_t kStudyApplicationId = 0x49444c48;  // "IDLH", in the SQLite header

// kSchemaSteps[v] takes a file from version v to v + 1. Steps that were released are never edited: files hold
// their results. A new version is one more step.
std::span<const std::string> schema_steps();

// The version this build writes: the number of steps.
int64_t schema_version();

enum class FileKind { empty, study };

// Finds out what the file is, reading only. Throws Error: not a database, another program's database, a
// schema newer than this build (both versions named), a table that is not as the steps make it.
FileKind identify(sqlite::Database& database);

// Runs the steps that are missing, and marks the file as a study. To be called within a transaction.
void migrate(sqlite::Database& database, std::span<const std::string> steps);

// Lets SELECT statements of this connection see a file of an older version as if it were of this build's. The
// file itself is not changed.
void present_as_newest(sqlite::Database& database);

}  // namespace idleheads
