#include "engine/run_tree.h"

namespace idleheads {

std::vector<size_t> last_children(std::span<const RowRun> runs) {
  std::vector<size_t> last(runs.size());
  for (size_t r = 0; r < runs.size(); ++r) {
    last[r] = r;
    if (runs[r].parent >= 0) last[static_cast<size_t>(runs[r].parent)] = r;
  }
  return last;
}

std::vector<std::vector<int32_t>> levels_of(std::span<const RowRun> runs, size_t first, size_t end) {
  std::vector<std::vector<int32_t>> levels;
  std::vector<size_t> depths(end - first);
  for (size_t r = first; r < end; ++r) {
    const int64_t parent = runs[r].parent;
    size_t& depth = depths[r - first];
    if (parent >= static_cast<int64_t>(first)) depth = depths[static_cast<size_t>(parent) - first] + 1;
    if (levels.size() <= depth) levels.resize(depth + 1);
    levels[depth].push_back(static_cast<int32_t>(r));
  }
  return levels;
}

}  // namespace idleheads
