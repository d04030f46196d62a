#include "report/numbers/progress.h"

#include <algorithm>

namespace idleheads {

StudyProgress progress_of(const StudyStore& store, const StudySummary& summary) {
  StudyProgress out;
  for (const std::vector<bool>& intervention : store.done()) {
    out.done += std::ranges::count(intervention, true);
    out.all += std::ssize(intervention);
  }
  out.is_whole = summary.missing.empty();
  if (summary.decisions && summary.decisions->stops) {
    out.all = std::min(out.all, out.done + summary.decisions->left);
    out.is_whole = out.is_whole || summary.decisions->left == 0;
  }
  return out;
}

}  // namespace idleheads
