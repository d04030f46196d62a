// The sums of what heads put out with nothing switched off, from which their means are made.
#include "engine/forward_pass.h"
#include "engine/head_grid.h"

namespace idleheads {

void ForwardPass::begin_outputs() {
  outputs_.sums = HeadVectors<int64_t>(shape_, head_dim(spec_));
  outputs_added_.assign(results_.size(), 0);
  for (const Path& path : all_.paths()) {
    if (switches_nothing_off(path))
      outputs_.rows += std::ssize(samples_[static_cast<size_t>(path.sample)].tokens) - 1;
  }
}

bool ForwardPass::switches_nothing_off(const Path& path) const {
  return std::holds_alternative<std::monostate>(interventions_[static_cast<size_t>(path.intervention)]);
}

// Of the paths that come here for the first time: those that began again have been here before.
void ForwardPass::add_outputs(int layer) {
  std::vector<int32_t> new_paths;
  for (size_t p = 0; p < batch_.paths().size(); ++p) {
    const Path& path = batch_.paths()[p];
    if (switches_nothing_off(path) && outputs_added_[static_cast<size_t>(path.number)] == layer)
      new_paths.push_back(static_cast<int32_t>(p));
  }
  const std::vector<int64_t> users = batch_.users(new_paths);
  std::vector<CountedRows> rows;
  for (size_t b = 0; b < users.size(); ++b) {
    const Branch& branch = batch_.branches()[b];
    const Segment& segment = batch_.segment_of(branch);
    const int64_t left_out = segment.begin == 0 ? 1 : 0;  // the first position
    if (users[b] > 0 && segment.length() > left_out)
      rows.push_back({branch.first_row + left_out, segment.length() - left_out, users[b]});
  }
  const AttentionSpec& attention = attention_of(layer);
  std::vector<int64_t> sums(static_cast<size_t>(attention.query_width()));
  if (!rows.empty() && attention.is_there()) backend_.add_outputs(rows, sums);
  for (int h = 0; h < attention.heads; ++h) {
    const std::span<int64_t> sum = outputs_.sums.of({layer, attention.column(h)});
    for (size_t k = 0; k < sum.size(); ++k) sum[k] += sums[static_cast<size_t>(h) * sum.size() + k];
  }
  for (const int32_t p : new_paths)
    ++outputs_added_[static_cast<size_t>(batch_.paths()[static_cast<size_t>(p)].number)];
}

}  // namespace idleheads
