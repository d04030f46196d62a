// The main figure of a study for papers: its metric over the share of heads that are off.
#pragma once

#include <string>

#include "idleheads/report/summary.h"

namespace idleheads {

// Of a study that has not all results: the estimates, with their intervals as areas.
//
// An SVG image of 720 x 460 user units on white, with a line a score, random as control, the baseline less
// the tolerance, and a legend. Throws Error if no intervention of the study is finished.
std::string curve_svg(const StudySummary& summary);

}  // namespace idleheads
