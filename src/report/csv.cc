#include "report/csv.h"

#include <stdexcept>

namespace idleheads {
namespace {

constexpr size_t kBuffer = 1 << 20;

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
  if (text.find_first_of("\",\r\n") == std::string_view::npos) return raw(text);
  std::string quoted = "\"";
  for (const char c : text) {
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
