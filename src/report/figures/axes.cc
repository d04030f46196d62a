#include "report/figures/axes.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "report/figures/helvetica.h"

namespace idleheads::figure {
namespace {

constexpr double kAscent = 5.8;  // of digits and capitals

// 1, 2 or 5 times a power of ten, so that there are at most `most` steps.
double tick_step(double span, int most) {
  const double power = std::pow(10, std::floor(std::log10(span / most)));
  for (const double factor : {1., 2., 5.}) {
    if (span <= most * factor * power * (1 + 1e-9)) return factor * power;
  }
  return 10 * power;
}

// Wide enough that its ends are two numbers, and ticks between them.
Range widened(Range range) {
  if (range.empty()) return {0, 1};
  const double least = 1e-9 * std::max({std::abs(range.low), std::abs(range.high), 1e-30});
  if (range.high - range.low > least) return range;
  const double pad = range.low == 0 ? 0.5 : std::abs(range.low) * 0.05;
  return {range.low - pad, range.high + pad};
}

double widest_tick(const Axis& axis) {
  double widest = 0;
  for (const double tick : axis.ticks()) widest = std::max(widest, text_width(tick_text(tick), kTextSize));
  return widest;
}

// As many ticks as have room for their numbers beside each other.
Axis x_axis(Range values, double from, double to, double least_step) {
  constexpr double kBetween = 8;
  for (int most = std::max(1, static_cast<int>((to - from) / 24)); most > 1; --most) {
    const Axis axis(values, from, to, most, least_step);
    const std::vector<double>& ticks = axis.ticks();
    if (ticks.size() < 2 || axis.place(ticks[1]) - axis.place(ticks[0]) >= widest_tick(axis) + kBetween)
      return axis;
  }
  return {values, from, to, 1, least_step};
}

}  // namespace

Range Range::none() {
  return {std::numeric_limits<double>::infinity(), -std::numeric_limits<double>::infinity()};
}

void Range::include(double value) {
  if (!std::isfinite(value)) return;
  low = std::min(low, value);
  high = std::max(high, value);
}

Axis::Axis(Range range, double from, double to, int most, double least_step)
    : range_(widened(range)), from_(from), to_(to) {
  const double step = std::max(tick_step(range_.high - range_.low, std::max(most, 1)), least_step);
  const double first = std::ceil(range_.low / step - 1e-9), last = std::floor(range_.high / step + 1e-9);
  for (double i = first; i <= last; ++i) ticks_.push_back(i * step);
}

std::string tick_text(double value) {
  const std::string text = fmt::format("{:g}", std::abs(value));
  return value < 0 && text != "0" ? "−" + text : text;
}

Plot draw_plot(Drawing& drawing, const Box& panel, const PlotText& text, Range x_values, Range y_values,
               double least_step) {
  Box box = {panel.left, panel.top + (text.title.empty() ? 5 : 13), panel.right - 8, panel.bottom - 24};
  const int most_y = std::max(2, static_cast<int>(box.height() / 15));
  const Axis y(y_values, box.bottom, box.top, most_y, least_step);
  box.left = panel.left + 12 + widest_tick(y) + 4;
  const Axis x = x_axis(x_values, box.left, box.right, least_step);

  for (const double tick : x.ticks()) {
    const double at = x.place(tick);
    drawing.add(Line{{{at, box.top}, {at, box.bottom}}, kPale, 0.4});
    drawing.add(Text{{at, box.bottom + 3 + kAscent}, tick_text(tick), Anchor::middle});
  }
  for (const double tick : y.ticks()) {
    const double at = y.place(tick);
    drawing.add(Line{{{box.left, at}, {box.right, at}}, kPale, 0.4});
    drawing.add(Text{{box.left - 3, at + kAscent / 2}, tick_text(tick), Anchor::end});
  }
  drawing.add(Line{{{box.left, box.top}, {box.left, box.bottom}, {box.right, box.bottom}}, kBlack, 0.6});
  if (!text.title.empty())
    drawing.add(Text{{box.left, panel.top + 8}, fitted(text.title, kTextSize, panel.right - box.left)});
  const double middle = (box.left + box.right) / 2;
  drawing.add(
      Text{{middle, box.bottom + 13 + kAscent}, fitted(text.x, kTextSize, panel.width()), Anchor::middle});
  drawing.add(Text{{panel.left + 7, (box.top + box.bottom) / 2},
                   fitted(text.y, kTextSize, panel.height()),
                   Anchor::middle,
                   kTextSize,
                   kBlack,
                   true});
  return {box, x, y};
}

}  // namespace idleheads::figure
