// Tables as lines of typed cells, whatever becomes of them: a CSV file, or columns in memory.
#pragma once

#include <concepts>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace idleheads {

class RecordWriter {
 public:
  virtual ~RecordWriter() = default;

  RecordWriter& cell(std::string_view text) { return put(text); }
  RecordWriter& cell(const char* text) { return put(std::string_view(text)); }
  RecordWriter& cell(bool value) { return put(value); }
  template <std::floating_point T>
  RecordWriter& cell(T value) {
    return put(value);
  }
  template <std::integral T>
  RecordWriter& cell(T value) {
    return put(static_cast<int64_t>(value));
  }
  RecordWriter& empty() { return put(std::monostate()); }
  // Ends the line, which must have a cell for each column.
  virtual void end_line() = 0;

 protected:
  using Cell = std::variant<std::monostate, bool, int64_t, float, double, std::string_view>;
  virtual RecordWriter& put(const Cell& cell) = 0;
};

// A table that is written when it is asked for. What it was made of must be there then.
struct RecordTable {
  std::vector<std::string> columns;
  std::function<void(RecordWriter&)> write_lines;
};

}  // namespace idleheads
