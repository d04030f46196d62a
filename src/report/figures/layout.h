// Where the parts of a figure are: panels in a grid, the legend below them, outside of every plot.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "report/figures/strokes.h"

namespace idleheads::figure {

// In points. Without a height a figure is as high as its panels and its legend are.
struct Size {
  double width = 0;
  std::optional<double> height = {};
};

// "single" and "double": a column of a paper (3.3 inches), and both (6.9); "4.5x3": inches, width and height,
// each from 1.5 to 40. Throws UsageError for other texts.
Size parse_size(std::string_view text);

struct LegendEntry {
  std::string label;
  Stroke stroke;
  bool is_area = false;  // a square of the colour instead of a line
};

struct Layout {
  double width = 0, height = 0;
  std::vector<Box> panels;  // with their titles and axes
  Box legend;
  size_t legend_columns = 1;
};

// For `panels` of at least `least_width` x `height` each (the height is that of a figure without one of its
// own). Throws UsageError if the size leaves them less than half of that height.
Layout lay_out(const Size& size, size_t panels, double least_width, double height,
               const std::vector<LegendEntry>& legend);

void draw_legend(Drawing& drawing, const Layout& layout, const std::vector<LegendEntry>& legend);

}  // namespace idleheads::figure
