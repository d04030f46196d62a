// Comma-separated values as Python's csv module reads them by default: fields quoted with ", a doubled quote
// inside, white space kept, line breaks inside quotes kept as they are (\r\n too).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace idleheads {

struct CsvRow {
  int64_t line = 0;  // where the row begins in the file, from 1
  std::vector<std::string> fields;
};

// All rows of `text`; empty lines are skipped. `name` is the file's name for messages.
// Throws Error "NAME:LINE: ..." on bytes that are not UTF-8 and on a quote that is never closed (the line of
// the quote).
std::vector<CsvRow> parse_csv(std::string_view text, std::string_view name);

}  // namespace idleheads
