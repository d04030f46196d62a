#include "report/csv.h"

#include <stdexcept>

namespace idleheads {
namespace {

constexpr size_t kBuffer = 1 << 20;

// Spreadsheets take text that begins like this for a formula, whoever wrote it.
bool runs_in_spreadsheets(std::string_view text) {
  return !text.empty() && std::string_view("=+-@\t\r").find(text[0]) != std::string_view::npos;
}

}  // namespace

CsvWriter::CsvWriter(const std::filesystem::path& path, const std::vector<std::string>& header)
    : file_(path), columns_(header.size()) {
  for (const std::string& name : header) cell(name);
  end_line();
}

CsvWriter& CsvWriter::raw(std::string_view text) {
  if (cells_++ > 0) buffer_ += ',';
  buffer_ += text;
  return *this;
}

CsvWriter& CsvWriter::cell(std::string_view text) {
  const std::string harmless = runs_in_spreadsheets(text) ? "'" + std::string(text) : std::string(text);
  if (harmless.find_first_of("\",\r\n") == std::string::npos) return raw(harmless);
  std::string quoted = "\"";
  for (const char c : harmless) {
    if (c == '"') quoted += '"';
    quoted += c;
  }
  return raw(quoted + '"');
}

void CsvWriter::end_line() {
  if (cells_ != columns_) throw std::logic_error("csv: a line of another number of cells");
  cells_ = 0;
  buffer_ += '\n';
  if (buffer_.size() < kBuffer) return;
  file_.write(buffer_);
  buffer_.clear();
}

void CsvWriter::prepare() {
  if (!buffer_.empty()) file_.write(buffer_);
  buffer_.clear();
  file_.prepare();
}

void CsvWriter::finish() {
  prepare();
  file_.commit();
}

}  // namespace idleheads
