// Where a split of a data set lies, and its rows with their fields checked.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "format/records.h"

namespace idleheads {

// One split of a data set as it is published: names in its original distribution, and as Hugging Face has it.
struct DatasetSplit {
  std::vector<std::string> repos;     // "allenai/ai2_arc", most usual first
  std::string config;                 // "ARC-Easy"; may be empty
  std::string split;                  // "test"
  std::vector<std::string> original;  // names of its file in a folder: "arc_easy_test.jsonl"
};

// The split's files in order: from the folder `data` if it is not empty, else from the local Hugging Face
// cache. Throws Error that says what was looked for and where.
std::vector<std::filesystem::path> find_split(const DatasetSplit& split, const std::filesystem::path& data);

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
