// How results files spell things: shared by those that write them.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "report/harness_results.h"

namespace idleheads {

using OrderedJson = nlohmann::ordered_json;  // writes null for NaN and infinities

// A row of the table with its names.
struct HarnessRow {
  const HarnessTask* task = nullptr;
  const SubjectRow* row = nullptr;
  std::string name;   // "mmlu_formal_logic"
  std::string alias;  // "  - formal_logic"
  bool is_group = false;

  const std::string& version() const { return is_group ? task->group_version : task->version; }
};
std::vector<HarnessRow> harness_rows(std::span<const HarnessTask> tasks);

// Valid text whatever the bytes; `indent` below 0: one line.
inline std::string dump(const OrderedJson& json, int indent = -1) {
  return json.dump(indent, ' ', false, OrderedJson::error_handler_t::replace);
}

// What the harness calls generation_kwargs.
OrderedJson generation_json(const HarnessTask& task);

}  // namespace idleheads
