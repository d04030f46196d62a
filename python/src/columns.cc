#include "columns.h"

#include <cmath>
#include <stdexcept>

namespace idleheads {
namespace {

nb::object text_object(const std::string& text) {
  return nb::steal(PyUnicode_DecodeUTF8(text.data(), static_cast<Py_ssize_t>(text.size()), "replace"));
}

struct ToPython {
  nb::object operator()(std::monostate) const { return nb::none(); }
  nb::object operator()(bool value) const { return nb::bool_(value); }
  nb::object operator()(int64_t value) const { return nb::int_(value); }
  nb::object operator()(double value) const { return nb::float_(value); }
  nb::object operator()(const std::string& value) const { return text_object(value); }
};

}  // namespace

Columns& Columns::put(const Cell& cell) {
  const auto value = [](const auto& held) -> Value {
    using Held = std::decay_t<decltype(held)>;
    if constexpr (std::is_same_v<Held, std::string_view>)
      return std::string(held);
    else if constexpr (std::is_floating_point_v<Held>)
      return std::isnan(held) ? Value() : Value(static_cast<double>(held));
    else
      return held;
  };
  columns_.at(next_++).push_back(std::visit(value, cell));
  return *this;
}

Columns::Dict Columns::dict() const {
  Dict out;
  for (size_t c = 0; c < names_.size(); ++c) {
    nb::list column;
    for (const Value& value : columns_[c]) column.append(std::visit(ToPython(), value));
    out[names_[c].c_str()] = column;
  }
  return out;
}

}  // namespace idleheads
