// A table in plain text: columns as wide as their widest cell, two spaces between, a rule under the header.
#pragma once

#include <string>
#include <vector>

#include "report/terminal/text.h"

namespace idleheads {

enum class Align { left, right };

struct Column {
  std::string header;
  Align align = Align::right;
};

class Table {
 public:
  explicit Table(std::vector<Column> columns) : columns_(std::move(columns)) {}

  // One cell a column, UTF-8 without control characters. Throws std::invalid_argument for another number of
  // cells.
  void add_row(std::vector<std::string> cells, Emphasis emphasis = Emphasis::none);

  // For a narrow terminal: takes a column out.
  void remove_column(size_t column);

  // Columns of the widest line.
  int width() const;
  // Each line begins with `indent` spaces and has none at its end. Emphasis only with `color`.
  std::string to_string(bool color, int indent = 0) const;
  // Within so many columns: as many of the table's columns at a time as fit, each time with the first, in
  // tables one under the other. A column that is too wide by itself exceeds them.
  std::string within(int width, bool color, int indent = 0) const;

 private:
  struct Row {
    std::vector<std::string> cells;
    Emphasis emphasis;
  };
  std::vector<int> widths() const;
  Table with_columns(size_t begin, size_t end) const;  // and the first
  std::string line(const std::vector<std::string>& cells, const std::vector<int>& widths) const;

  std::vector<Column> columns_;
  std::vector<Row> rows_;
};

}  // namespace idleheads
