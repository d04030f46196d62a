// Axes of a plot: from values to places, with ticks at round numbers.
#pragma once

#include <string>
#include <vector>

#include "report/figures/drawing.h"

namespace idleheads::figure {

struct Range {
  double low = 0, high = 0;
  // Takes finite values in.
  void include(double value);
  bool empty() const { return !(low <= high); }
  double span() const { return high - low; }
  static Range none();
};

class Axis {
 public:
  // Values of the range at `from` to `to`, with at most `most` steps between ticks, each of `least_step` or
  // more.
  Axis(Range range, double from, double to, int most, double least_step = 0);

  double low() const { return range_.low; }
  double high() const { return range_.high; }
  const std::vector<double>& ticks() const { return ticks_; }
  double place(double value) const {
    return from_ + (value - range_.low) / (range_.high - range_.low) * (to_ - from_);
  }

 private:
  Range range_;
  double from_, to_;
  std::vector<double> ticks_;
};

// "0.15", "−2".
std::string tick_text(double value);

struct PlotText {
  std::string title, x, y;
};

// A panel's axes, with grid, numbers and texts, and the plot between them.
struct Plot {
  Box box;
  Axis x, y;
};

// Draws all but the content. Of axes that count something, `least_step` is 1.
Plot draw_plot(Drawing& drawing, const Box& panel, const PlotText& text, Range x_values, Range y_values,
               double least_step = 0);

}  // namespace idleheads::figure
