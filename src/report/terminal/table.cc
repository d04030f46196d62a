#include "report/terminal/table.h"

#include <algorithm>
#include <stdexcept>

#include "base/utf8.h"
#include "strings/display_width.h"

namespace idleheads {
namespace {

constexpr int kGap = 2;

}  // namespace

void Table::add_row(std::vector<std::string> cells, Emphasis emphasis) {
  if (cells.size() != columns_.size()) throw std::invalid_argument("table: one cell a column is needed");
  rows_.push_back({std::move(cells), emphasis});
}

void Table::remove_column(size_t column) {
  const auto at = static_cast<std::ptrdiff_t>(column);
  columns_.erase(columns_.begin() + at);
  for (Row& row : rows_) row.cells.erase(row.cells.begin() + at);
}

std::vector<int> Table::widths() const {
  std::vector<int> widths;
  for (size_t c = 0; c < columns_.size(); ++c) {
    int width = display_width(columns_[c].header);
    for (const Row& row : rows_) width = std::max(width, display_width(row.cells[c]));
    widths.push_back(width);
  }
  return widths;
}

int Table::width() const {
  int total = 0;
  for (const int width : widths()) total += width + kGap;
  return std::max(0, total - kGap);
}

std::string Table::line(const std::vector<std::string>& cells, const std::vector<int>& widths) const {
  std::string out;
  for (size_t c = 0; c < cells.size(); ++c) {
    const std::string padding(static_cast<size_t>(widths[c] - display_width(cells[c])), ' ');
    if (c > 0) out += std::string(kGap, ' ');
    out += columns_[c].align == Align::left ? cells[c] + padding : padding + cells[c];
  }
  out.erase(out.find_last_not_of(' ') + 1);
  return out;
}

std::string Table::to_string(bool color, int indent) const {
  const std::vector<int> widths = this->widths();
  const std::string margin(static_cast<size_t>(indent), ' ');
  std::vector<std::string> headers;
  for (const Column& column : columns_) headers.push_back(column.header);
  std::string out = margin + emphasize(line(headers, widths), Emphasis::strong, color) + "\n";
  out += margin + std::string(static_cast<size_t>(width()), '-') + "\n";
  for (const Row& row : rows_) out += margin + emphasize(line(row.cells, widths), row.emphasis, color) + "\n";
  return out;
}

Table Table::with_columns(size_t begin, size_t end) const {
  const auto take = [&](const auto& all) {
    auto some = all;
    some.erase(some.begin() + static_cast<std::ptrdiff_t>(end), some.end());
    some.erase(some.begin() + 1, some.begin() + static_cast<std::ptrdiff_t>(begin));
    return some;
  };
  Table part(take(columns_));
  for (const Row& row : rows_) part.add_row(take(row.cells), row.emphasis);
  return part;
}

std::string Table::within(int width, bool color, int indent) const {
  if (columns_.size() < 2 || indent + this->width() <= width) return to_string(color, indent);
  const std::vector<int> widths = this->widths();
  std::string out;
  for (size_t begin = 1; begin < widths.size();) {
    size_t end = begin;
    for (int total = indent + widths[0]; end < widths.size(); ++end) {
      total += kGap + widths[end];
      if (total > width && end > begin) break;
    }
    out += (out.empty() ? "" : "\n") + with_columns(begin, end).to_string(color, indent);
    begin = end;
  }
  return out;
}

}  // namespace idleheads
