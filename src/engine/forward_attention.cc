// The attention weights of the heads that RunOptions::attention names.
#include "engine/forward_pass.h"

namespace idleheads {
namespace {

// A head's number among those that the layer has.
int own_number(const AttentionSpec& attention, HeadId head) {
  int own = 0;
  while (attention.column(own) != head.head) ++own;
  return own;
}

}  // namespace

void ForwardPass::begin_attention() {
  for (const Path& path : all_.paths()) {
    PathResult& result = results_[static_cast<size_t>(path.number)];
    const int64_t tokens = std::ssize(samples_[static_cast<size_t>(path.sample)].tokens);
    for (const HeadId head : options_.attention) result.attention.emplace_back(head, tokens);
  }
}

// Rows that several paths share go into the patterns of all of them.
void ForwardPass::keep_attention(int layer) {
  std::vector<KeptWeights> kept;
  for (const Path& path : batch_.paths()) {
    for (AttentionPattern& pattern : results_[static_cast<size_t>(path.number)].attention) {
      if (pattern.head().layer != layer) continue;
      const int own = own_number(attention_of(layer), pattern.head());
      for (int32_t b = path.branch; b >= 0; b = batch_.branches()[static_cast<size_t>(b)].parent)
        kept.push_back({b, own, pattern.data()});
    }
  }
  backend_.keep_weights(kept);
}

}  // namespace idleheads
