#include "report/figures/layout.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>

#include "base/fail.h"
#include "report/figures/helvetica.h"

namespace idleheads::figure {
namespace {

constexpr double kInch = 72, kLeastInches = 1.5, kMostInches = 40;        // the latter in inches
constexpr double kMargin = 3, kLegendRow = 10.5, kSample = 21, kGap = 9;  // of the legend

std::optional<double> inches(std::string_view text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() ||
      !(value >= kLeastInches && value <= kMostInches))
    return std::nullopt;
  return value;
}

double column_width(double width, const std::vector<LegendEntry>& legend) {
  double widest = 0;
  for (const LegendEntry& entry : legend) widest = std::max(widest, text_width(entry.label, kTextSize));
  return std::min(kSample + widest + kGap, width);
}

size_t rows_for(size_t items, size_t columns) { return (items + columns - 1) / columns; }

}  // namespace

Size parse_size(std::string_view text) {
  if (text == "single") return {3.3 * kInch};
  if (text == "double") return {6.9 * kInch};
  const size_t by = text.find('x');
  if (by != std::string_view::npos) {
    const std::optional<double> width = inches(text.substr(0, by)), height = inches(text.substr(by + 1));
    if (width && height) return {*width * kInch, *height * kInch};
  }
  fail_usage(
      "size '{}': expected single, double, or width and height in inches, as 4.5x3 ({:g} to {:g} each)",
      printable(text), kLeastInches, kMostInches);
}

Layout lay_out(const Size& size, size_t panels, double least_width, double height,
               const std::vector<LegendEntry>& legend) {
  Layout out;
  out.width = size.width;
  const double inner = size.width - 2 * kMargin;
  const double column = column_width(inner, legend);
  const size_t most = std::max<size_t>(1, static_cast<size_t>(inner / std::max(column, 1.)));
  const size_t legend_rows = legend.empty() ? 0 : rows_for(legend.size(), std::min(most, legend.size()));
  if (legend_rows > 0) out.legend_columns = rows_for(legend.size(), legend_rows);
  const double below = legend.empty() ? kMargin : static_cast<double>(legend_rows) * kLegendRow + 2 * kMargin;
  const size_t columns = std::clamp<size_t>(static_cast<size_t>(inner / least_width), 1, panels);
  const size_t rows = rows_for(panels, columns);
  const double needed = static_cast<double>(rows) * height / 2 + below + kMargin;
  if (size.height && *size.height < needed)
    fail_usage(
        "size: {:.1f} inches are not high enough for this figure; it needs {:.1f}, or fewer scores or "
        "studies",
        *size.height / kInch, std::ceil(needed / kInch * 10) / 10);
  const double each = size.height ? (*size.height - below - kMargin) / static_cast<double>(rows) : height;
  out.height = kMargin + static_cast<double>(rows) * each + below;
  const double wide = inner / static_cast<double>(columns);
  for (size_t i = 0; i < panels; ++i) {
    const double left = kMargin + static_cast<double>(i % columns) * wide;
    const double top = kMargin + static_cast<double>(i / columns) * each;
    out.panels.push_back({left, top, left + wide, top + each});
  }
  out.legend = {kMargin, out.height - below + kMargin, kMargin + inner, out.height - kMargin};
  return out;
}

void draw_legend(Drawing& drawing, const Layout& layout, const std::vector<LegendEntry>& legend) {
  if (legend.empty()) return;
  const double column = column_width(layout.legend.width(), legend);
  const size_t rows = rows_for(legend.size(), layout.legend_columns);
  const double used = column * static_cast<double>(layout.legend_columns) - kGap;
  const double from = layout.legend.left + std::max(0., (layout.legend.width() - used) / 2);
  for (size_t i = 0; i < legend.size(); ++i) {
    const LegendEntry& entry = legend[i];
    const double left = from + static_cast<double>(i / rows) * column;
    const double y = layout.legend.top + (static_cast<double>(i % rows) + 0.5) * kLegendRow;
    if (entry.is_area) {
      const Box box = {left + 6, y - 3.5, left + 13, y + 3.5};
      drawing.add(rectangle(box, entry.stroke.color));
      drawing.add(outline(box, kGray, 0.4));
    } else {
      drawing.add(Line{
          {{left, y}, {left + kSample - 4, y}}, entry.stroke.color, entry.stroke.width, entry.stroke.dashes});
      if (entry.stroke.mark != Mark::none)
        drawing.add(mark_at({left + (kSample - 4) / 2, y}, entry.stroke.mark, 4, entry.stroke.color));
    }
    drawing.add(Text{{left + kSample, y + 2.8}, fitted(entry.label, kTextSize, column - kSample)});
  }
}

}  // namespace idleheads::figure
