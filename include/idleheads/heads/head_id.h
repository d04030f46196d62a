// A head's place in a model.
#pragma once

#include <compare>
#include <string>
#include <string_view>

namespace idleheads {

// Printed L5H3, counted from 0.
struct HeadId {
  int layer = 0;
  int head = 0;
  auto operator<=>(const HeadId&) const = default;
};
std::string to_string(HeadId id);
// Reads "L5H3", "L5.H3", "5.3" and "5-3". Throws UsageError on anything else.
HeadId parse_head(std::string_view text);

}  // namespace idleheads
