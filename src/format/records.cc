#include "format/records.h"

#include <algorithm>

#include "base/fail.h"
#include "base/mapped_file.h"
#include "format/parquet.h"

namespace idleheads {
namespace {

std::vector<Record> parse_lines(std::string_view text, const std::string& file) {
  std::vector<Record> records;
  int64_t line = 0;
  for (size_t at = 0; at < text.size();) {
    const size_t end = std::min(text.find('\n', at), text.size());
    const std::string_view content = text.substr(at, end - at);
    at = end + 1;
    ++line;
    if (content.find_first_not_of(" \t\r") == content.npos) continue;
    Record record = {parse_json(content, file, line), line};
    if (!record.value.is_object()) {
      fail("{}:{}: {}, expected an object {{...}}", file, line, record.value.type_name());
    }
    records.push_back(std::move(record));
  }
  return records;
}

std::vector<Record> parquet_records(const std::filesystem::path& path, std::span<const std::string> columns,
                                    const std::string& file) {
  std::vector<Record> records;
  read_parquet(path, columns, [&](std::string_view row) {
    const int64_t number = std::ssize(records) + 1;
    records.push_back({parse_json(row, file, number), number});
  });
  return records;
}

}  // namespace

std::vector<Record> read_records(const std::filesystem::path& file, std::span<const std::string> columns) {
  const std::string name = shown_path(file);
  const std::string extension = file.extension().string();
  if (extension == ".parquet") return parquet_records(file, columns, name);
  if (extension == ".jsonl" || extension == ".json") return parse_lines(read_text_file(file), name);
  fail("{}: expected a file that ends in .jsonl, .json or .parquet", name);
}

}  // namespace idleheads
