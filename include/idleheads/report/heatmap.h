// Heat maps of layers x heads for a terminal.
#pragma once

#include <limits>
#include <optional>
#include <string>
#include <string_view>

#include "idleheads/report/distribution.h"
#include "idleheads/report/summary.h"

namespace idleheads {

struct HeatMap {
  std::string title;
  std::string note;  // how to read high and low
  HeadGrid grid;
  HeadShape shape;                      // which heads there are
  std::optional<HeadMask> marked = {};  // heads with an x in their cell
  // Ends of the colour ramp; NaN: the least and the greatest value of the grid.
  double low = std::numeric_limits<double>::quiet_NaN();
  double high = std::numeric_limits<double>::quiet_NaN();
};

// What the user asks for: a score, "ahon_ln" (its mean over samples; the summary must have been made with
// distributions), or an intervention of the study, "ahon_ln@15%" (in how many samples each head was off, in
// percent). Throws UsageError: unknown score, an intervention the study does not hold, or random, which has
// no statistics.
HeatMap heat_map(const StudySummary& summary, std::string_view what);

// No colour: shades of " .:-=+*#%@". Colour: blocks of a ramp from dark blue to yellow that rises in
// lightness and is read without telling red from green.
enum class ColorDepth { none, indexed /* 256 colours */, full /* 24 bits */ };

// One line a layer, two columns a head, or one if `width` asks for it; more heads than fit are shown in
// blocks one under the other. NaN is shown as "?", and nothing where a head is absent ("_" without colour).
// With scale and note below.
std::string render(const HeatMap& map, ColorDepth depth, int width);

}  // namespace idleheads
