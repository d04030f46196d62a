// The largest share of heads that one score can switch off, from the decisions on several shares. Pure
// functions.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "idleheads/analysis/decision.h"

namespace idleheads {

// An intervention of the score.
struct ShareDecision {
  double percent = 0;   // of the heads that are off
  double estimate = 0;  // mean loss, in [-1, 1]
  Verdict verdict = Verdict::open;
};

// All in percent of the heads.
struct DecidedShare {
  std::optional<double> holds;  // the largest share that holds
  std::optional<double> fails;  // the smallest above it that fails
  std::vector<double> open;     // those above `holds` and below `fails` that are not decided, rising
  // Where the estimates from `holds` (or 0 %, where nothing is lost) to `fails` cross the tolerance
  // (largest_inactive_share in curve.h); none where nothing fails, or where they do not cross it.
  std::optional<double> interpolated;
};

// `tolerance`: share of the documents, in (0, 1). Shares may come in any order; throws std::invalid_argument
// for one outside [0, 100] or twice.
DecidedShare decided_share(std::span<const ShareDecision> shares, double tolerance);

// "holds at 15 %, fails at 20 %; by interpolation of estimates 17.1 %"; "holds at 5 %, open at 10 %, 15 %";
// "no share was tried" for none.
std::string text_of(const DecidedShare& share);

// The share to try next: halfway between the largest that holds (or 0) and the smallest that fails; none if
// these are `resolution` percent or less apart, nothing fails, or one in between is open.
std::optional<double> share_to_try(const DecidedShare& share, double resolution);

}  // namespace idleheads
