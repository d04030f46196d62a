// Options of a study that stops when it knows: --decide, --within, --confidence, --refine, --resolution,
// --stop-after, --rounds.
#pragma once

#include <CLI/CLI.hpp>
#include <optional>
#include <string>

#include "cli/terminal.h"
#include "idleheads/study/runner.h"

namespace idleheads::cli {

// --refine and --resolution.
struct RefineFlags {
  bool refine = false;
  std::optional<double> resolution;

  void add_to(CLI::App& app, const std::string& when);
  // In percent of the heads; none without --refine. Throws UsageError: --resolution without it, out of range.
  std::optional<double> wanted() const;
};

struct DecideFlags {
  bool decide = false;
  std::optional<double> within, confidence_percent;
  RefineFlags refine;
  std::optional<double> stop_after;  // seconds
  std::optional<int64_t> rounds;     // of a study in parts

  void add_to(CLI::App& app);
  // None without --decide. Throws UsageError: values out of their ranges, options that need another one.
  // `in_parts`: with --shard.
  std::optional<DecideOptions> options(bool in_parts) const;
  // Rounds that a part asks before the next merge.
  int64_t rounds_at_a_time() const;
};

// "holds  ahon_ln@15%  412 of 1838 questions: loses -0.2 points, at most 0.9".
std::string decision_line(const StoredIntervention& intervention, const LossDecision& decision);
// The same for --progress json.
std::string decision_json(const StoredIntervention& intervention, const LossDecision& decision);

}  // namespace idleheads::cli
