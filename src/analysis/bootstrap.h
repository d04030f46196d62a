// The paired bootstrap over documents: what curves would have been with other documents drawn from the same
// source. All runs see the same draws, so that differences between them are paired. Pure functions; the seed
// decides everything.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "idleheads/analysis/confidence.h"

namespace idleheads {

// One run over all documents: what each adds to the metric, and how many heads were off. The metric in points
// (points_of in analysis/accuracy.h) is 100 x sum of values / sum of sizes, for shares and perplexities
// alike.
struct MeasuredRun {
  std::vector<double> values;   // shares: 1 if right, else 0; perplexities: the log-likelihood
  std::vector<double> sizes;    // 1, or the words or bytes the log-likelihood is over
  std::vector<double> percent;  // mean percent of heads off in the document's passes; empty: none was off
  std::vector<double> passes =
      {};  // forward passes of each document, which `percent` is over; empty: one each
};

struct BootstrapOptions {
  double tolerance = 1.0;  // points
  int draws = 1000;
  uint64_t seed = 1234;
  double confidence = 0.95;
};

// One point of a curve against the baseline, in points of the metric.
struct PairedDifference {
  double points = 0;  // run - baseline
  Interval interval;  // percentiles of the draws
};

// One curve.
struct BootstrapCurve {
  std::vector<PairedDifference> differences;  // one a run
  // Percentiles of the largest inactive share over the draws in which there is one; none if there is none in
  // more than half of them.
  std::optional<Interval> inactive_percent;
  double draws_with_share = 0;  // share of the draws that have one
};

// `curves[i]` holds the runs of one score; all runs and the baseline are over the same documents. A curve
// that begins above 0 % gets the baseline as its first point, which is in no list. Throws
// std::invalid_argument for runs of unequal sizes, no documents, or fewer than 2 draws.
std::vector<BootstrapCurve> bootstrap(const MeasuredRun& baseline,
                                      std::span<const std::vector<MeasuredRun>> curves,
                                      const BootstrapOptions& options);

}  // namespace idleheads
