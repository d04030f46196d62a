#include "report/exports/csv.h"

#include <charconv>
#include <cmath>
#include <stdexcept>

namespace idleheads {
namespace {

constexpr size_t kRowBuffer = 1 << 20;

// Spreadsheets take text that begins like this for a formula, whoever wrote it.
bool runs_in_spreadsheets(std::string_view text) {
  return !text.empty() && std::string_view("=+-@\t\r").find(text[0]) != std::string_view::npos;
}

std::string text_of(std::string_view text) {
  const std::string harmless = runs_in_spreadsheets(text) ? "'" + std::string(text) : std::string(text);
  if (harmless.find_first_of("\",\r\n") == std::string::npos) return harmless;
  std::string quoted = "\"";
  for (const char c : harmless) {
    if (c == '"') quoted += '"';
    quoted += c;
  }
  return quoted + '"';
}

template <typename T>
std::string text_of(T number) {
  if constexpr (std::is_floating_point_v<T>) {
    if (std::isnan(number)) return "";
  }
  char digits[64];
  return {digits, std::to_chars(digits, digits + sizeof(digits), number).ptr};
}

std::string text_of(bool value) { return value ? "1" : "0"; }
std::string text_of(std::monostate) { return ""; }

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

CsvWriter& CsvWriter::put(const Cell& cell) {
  return raw(std::visit([](const auto& value) { return text_of(value); }, cell));
}

void CsvWriter::end_line() {
  if (cells_ != columns_) throw std::logic_error("csv: a line of another number of cells");
  cells_ = 0;
  buffer_ += '\n';
  if (buffer_.size() < kRowBuffer) return;
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
