// CSV as RFC 4180 quotes it; lines end in a line feed.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "report/exports/output_file.h"
#include "report/numbers/record_writer.h"

namespace idleheads {

// Collects the cells of lines and writes them to a file now and then. Text is quoted if it holds a quote,
// comma or line break, and has ' before it if a spreadsheet would run it. Numbers have the shortest digits
// that read back as the same number; NaN is empty, infinities are inf and -inf, true and false 1 and 0.
class CsvWriter : public RecordWriter {
 public:
  CsvWriter(const std::filesystem::path& path, const std::vector<std::string>& header);

  void end_line() override;
  // All lines are on the disk; finish() has only to give the file its name.
  void prepare();
  // Calls prepare() if that has not been done.
  void finish();

 private:
  CsvWriter& put(const Cell& cell) override;
  CsvWriter& raw(std::string_view text);

  OutputFile file_;
  std::string buffer_;
  size_t columns_;
  size_t cells_ = 0;  // of the running line
};

}  // namespace idleheads
