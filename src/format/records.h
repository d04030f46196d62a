// Rows of a data set's file as JSON objects.
#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "format/json.h"

namespace idleheads {

struct Record {
  Json value;        // an object
  int64_t line = 0;  // its line (.jsonl, .json) or row (.parquet) in the file, from 1
};

// By the file's extension: .jsonl and .json (one object a line, blank lines skipped), .parquet, of which only
// the named columns are read if there are names. Throws Error with file and line: not there, not of that
// format, a row that is no object.
std::vector<Record> read_records(const std::filesystem::path& file,
                                 std::span<const std::string> columns = {});

}  // namespace idleheads
