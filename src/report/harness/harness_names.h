// How results files spell things: shared by those that write them.
#pragma once

#include <string>
#include <vector>

#include "format/json.h"
#include "report/harness/harness_results.h"

namespace idleheads {

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

// What the harness calls generation_kwargs.
OrderedJson generation_json(const HarnessTask& task);

}  // namespace idleheads
