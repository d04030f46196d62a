// Where a split of a data set lies, and its rows with their fields checked.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "base/fail.h"
#include "format/records.h"
#include "task/split_files.h"

namespace idleheads {

// The split's files in order: from the folder `data` if it is not empty, else from the local Hugging Face
// cache. Throws Error that says what was looked for and what is there.
std::vector<std::filesystem::path> find_split(const DatasetSplit& split, const std::filesystem::path& data);

// The same; empty if there are none.
std::vector<std::filesystem::path> find_split_if_any(const DatasetSplit& split,
                                                     const std::filesystem::path& data);

// A row with typed fields; failures name file, line and field.
class Row {
 public:
  Row(Record record, std::string file) : record_(std::move(record)), file_(std::move(file)) {}

  const std::string& text(const char* field) const;
  int64_t integer(const char* field) const;                 // a number, or its digits as text
  std::vector<std::string> texts(const char* field) const;  // a list of texts
  Row object(const char* field) const;
  std::vector<Row> objects(const char* field) const;  // a list of objects
  const Json& field(const char* name) const;
  bool has(const char* field) const { return record_.value.contains(field); }

  template <typename... T>
  [[noreturn]] void fail_here(fmt::format_string<T...> format, T&&... args) const {
    fail("{}:{}: {}", file_, record_.line, fmt::format(format, std::forward<T>(args)...));
  }

 private:
  Record record_;
  std::string file_;  // as messages show it
};

// All rows of a split, at least one.
std::vector<Row> read_split(const DatasetSplit& split, const std::filesystem::path& data);

}  // namespace idleheads
