// A table's columns in memory, to become lists of Python objects.
#pragma once

#include <string>
#include <vector>

#include "module.h"
#include "report/numbers/record_writer.h"

namespace idleheads {

class Columns : public RecordWriter {
 public:
  explicit Columns(std::vector<std::string> names) : names_(std::move(names)), columns_(names_.size()) {}

  void end_line() override {
    if (next_ != columns_.size()) throw std::logic_error("a line of another number of cells");
    next_ = 0;
  }

  // {name: [values]}; None where a cell is empty or not a number. Needs the interpreter's lock.
  using Dict = nb::typed<nb::dict, nb::str, nb::typed<nb::list, nb::any>>;
  Dict dict() const;

 private:
  // A cell that holds its text.
  using Value = std::variant<std::monostate, bool, int64_t, double, std::string>;
  Columns& put(const Cell& cell) override;

  std::vector<std::string> names_;
  std::vector<std::vector<Value>> columns_;
  size_t next_ = 0;  // cell of the running line
};

}  // namespace idleheads
