// CSV as RFC 4180 quotes it; lines end in a line feed.
#pragma once

#include <charconv>
#include <cmath>
#include <concepts>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "report/output_file.h"

namespace idleheads {

// Collects the cells of lines and writes them to a file now and then.
class CsvWriter {
 public:
  CsvWriter(const std::filesystem::path& path, const std::vector<std::string>& header);

  // Quoted if it holds a quote, comma or line break. With ' before it if a spreadsheet would run it.
  CsvWriter& cell(std::string_view text);
  // The shortest digits that read back as the same number; NaN is empty, infinities are inf and -inf.
  template <std::floating_point T>
  CsvWriter& cell(T value) {
    return std::isnan(value) ? raw("") : number(value);
  }
  template <std::integral T>
  CsvWriter& cell(T value) {
    return number(value);
  }
  CsvWriter& empty() { return raw(""); }
  // Ends the line, which must have as many cells as the header.
  void end_line();
  // All lines are on the disk; finish() has only to give the file its name.
  void prepare();
  // Calls prepare() if that has not been done.
  void finish();

 private:
  template <typename T>
  CsvWriter& number(T value) {
    char digits[64];
    const auto end = std::to_chars(digits, digits + sizeof(digits), value).ptr;
    return raw({digits, static_cast<size_t>(end - digits)});
  }
  CsvWriter& raw(std::string_view text);

  OutputFile file_;
  std::string buffer_;
  size_t columns_;
  size_t cells_ = 0;  // of the running line
};

}  // namespace idleheads
