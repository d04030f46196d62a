// What `idleheads show` prints and a finished `idleheads study` ends with: for readers who do not know the
// paper.
#pragma once

#include <string>

#include "idleheads/report/heatmap.h"
#include "idleheads/report/summary.h"

namespace idleheads {

struct ShowOptions {
  ColorDepth color = ColorDepth::none;
  int width = 100;        // columns; tables that cannot be narrower exceed it
  bool summary = true;    // else the parts asked for alone
  bool heads = false;     // heads by name, which the summary has too
  bool curves = false;    // accuracy of every score at every share
  bool subjects = false;  // accuracy per subject and category
  std::string heat_map =
      {};  // as heat_map() reads it; empty: none (a study without interventions shows ahon_ln)

  bool colored() const { return color != ColorDepth::none; }
};

// What the study measured, the scores from best to worst with the share of heads that can be off, the heads
// of the best score by name, and what is missing; then the parts asked for. A study without interventions:
// the distributions of its scores. Text of the study file is shown with control characters replaced. Throws
// UsageError as heat_map() does.
std::string show(const StudySummary& summary, const ShowOptions& options = {});

// The parts by themselves.
std::string show_curves(const StudySummary& summary, const ShowOptions& options);
std::string show_static(const StudySummary& summary, const ShowOptions& options);
std::string show_subjects(const StudySummary& summary, const ShowOptions& options);
std::string show_heads(const StudySummary& summary, const ShowOptions& options);
std::string show_distributions(const StudySummary& summary, const ShowOptions& options);

// What heads of static masks were off in: "always", "50 % of the inputs".
std::string inputs_text(double at_least);

}  // namespace idleheads
