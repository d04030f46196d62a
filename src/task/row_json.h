// Document::row: the row as the harness' data set has it, its fields in that order.
#pragma once

#include <string>

#include "format/json.h"

namespace idleheads {

inline std::string row_text(const OrderedJson& row) { return dump_json(row); }

}  // namespace idleheads
