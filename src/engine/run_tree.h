// Which runs of rows continue which (RowRun::parent); parents stand before their children.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "engine/backend.h"

namespace idleheads {

// By run: the last one that continues it, or itself.
std::vector<size_t> last_children(std::span<const RowRun> runs);

// The runs [first, end) by depth: those whose parent is not among them, then the children of these, ...
std::vector<std::vector<int32_t>> levels_of(std::span<const RowRun> runs, size_t first, size_t end);

}  // namespace idleheads
