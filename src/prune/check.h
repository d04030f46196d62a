// A written model against the one it was made of.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "idleheads/base/progress.h"
#include "idleheads/engine/engine.h"
#include "idleheads/heads/intervention.h"
#include "prune/comparison.h"

namespace idleheads {

struct WrittenCheck {
  Comparison comparison;  // the written model against the original with all heads on
  // Documents whose log-likelihoods are not, bit for bit, those of the original with the mask.
  int64_t other_bits = 0;
  double largest_difference = 0;  // of a log-likelihood from that, nats
};

using MakeEngine = std::function<std::unique_ptr<Engine>(std::shared_ptr<const Model>)>;

// On all documents of each task, which was prepared for `original`. One model is in memory at a time.
// `means`: what heads of the mask give; nullptr: zeros.
std::vector<WrittenCheck> check_written(const std::shared_ptr<const Model>& original,
                                        const std::shared_ptr<const Model>& written, const FixedHeads& heads,
                                        const HeadMeans* means, const std::vector<PreparedTask>& tasks,
                                        const MakeEngine& make_engine, double confidence,
                                        const ProgressCallback& progress);

}  // namespace idleheads
