// Document::row: the row as the harness' data set has it, its fields in that order.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace idleheads {

using OrderedJson = nlohmann::ordered_json;

inline std::string row_text(const OrderedJson& row) {
  return row.dump(-1, ' ', false, OrderedJson::error_handler_t::replace);
}

}  // namespace idleheads
