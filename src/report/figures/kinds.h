// The kinds of figures, each in a file of its own; make_figure() of figure.h has checked what they are given.
#pragma once

#include "report/figures/figure.h"

namespace idleheads::figure {

// A line a score (all that the study tested, or those asked for), a panel a study; with several studies and
// one score a line a study, as difference to all heads on. Bands are intervals: each line's where there are
// up to three, else the best score's.
Figure curves_figure(const std::vector<LoadedStudy>& studies, const Options& options);

// A panel a score (the best one, or those asked for), a line a study; marks at the thresholds of the tested
// shares.
Figure cdf_figure(const std::vector<LoadedStudy>& studies, const Options& options);

// A panel a study, a bar a layer: heads off always, in nine of ten passes, sometimes, never.
Figure layers_figure(const std::vector<LoadedStudy>& studies, const Options& options);

// Of several models a square a score and model: the score's rank by the area under its curve. Of one the
// overlap of the heads that two scores have off.
Figure ranks_figure(const std::vector<LoadedStudy>& studies, const Options& options);

}  // namespace idleheads::figure
