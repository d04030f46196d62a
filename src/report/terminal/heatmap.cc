#include "idleheads/report/heatmap.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <stdexcept>

#include "base/fail.h"
#include "report/color_ramp.h"
#include "report/terminal/show_text.h"
#include "report/terminal/text.h"

namespace idleheads {
namespace {

constexpr std::string_view kShades = " .:-=+*#%@";
constexpr int kLegendSteps = 20;

// The code that sets the background: 24 bits, or the nearest of the 6 x 6 x 6 colours.
std::string background(double part, ColorDepth depth) {
  const Color c = ramp_color(part);
  if (depth == ColorDepth::full) return fmt::format("\x1b[48;2;{};{};{}m", c.red, c.green, c.blue);
  constexpr std::array<int, 6> kLevels = {0, 95, 135, 175, 215, 255};
  const auto level = [&](int value) {
    const auto nearer = [value](int a, int b) { return std::abs(a - value) < std::abs(b - value); };
    return std::min_element(kLevels.begin(), kLevels.end(), nearer) - kLevels.begin();
  };
  return fmt::format("\x1b[48;5;{}m", 16 + 36 * level(c.red) + 6 * level(c.green) + level(c.blue));
}

// Where a value lies between the ends, in [0, 1].
struct Scale {
  double low = 0, high = 0;

  double part(double value) const {
    if (value == low || high == low) return 0;
    if (value == high) return 1;
    return std::clamp((value - low) / (high - low), 0.0, 1.0);
  }
};

Scale scale_of(const HeatMap& map) {
  Scale scale = {map.low, map.high};
  for (const double value : map.grid.values) {
    if (!std::isfinite(value)) continue;
    if (std::isnan(map.low)) scale.low = std::isnan(scale.low) ? value : std::min(scale.low, value);
    if (std::isnan(map.high)) scale.high = std::isnan(scale.high) ? value : std::max(scale.high, value);
  }
  return scale;
}

// Without colour a blank is the lowest shade.
char absent_mark(ColorDepth depth) { return depth == ColorDepth::none ? '_' : ' '; }

std::string plain_cell(char mark, ColorDepth depth, int columns) {
  return (depth == ColorDepth::none ? "" : "\x1b[0m") + std::string(static_cast<size_t>(columns), mark);
}

std::string cell(double value, const Scale& scale, ColorDepth depth, int columns, bool is_marked) {
  const auto size = static_cast<size_t>(columns);
  if (std::isnan(value)) return plain_cell('?', depth, columns);
  const double part = scale.part(value);
  const auto shade = std::min(static_cast<size_t>(part * kShades.size()), kShades.size() - 1);
  std::string text(size, depth == ColorDepth::none ? kShades[shade] : ' ');
  if (is_marked) text.back() = 'x';
  if (depth == ColorDepth::none) return text;
  const std::string ink = !is_marked ? "" : part < 0.6 ? "\x1b[97m" : "\x1b[30m";
  return background(part, depth) + ink + text;
}

// Head numbers above the columns: every fifth that has room.
std::string ruler(int begin, int end, int columns) {
  const auto width = static_cast<size_t>((end - begin) * columns);
  std::string line;
  for (int h = begin; h < end; ++h) {
    const auto at = static_cast<size_t>((h - begin) * columns);
    const std::string number = std::to_string(h);
    const bool fits = (line.empty() || line.size() < at) && at + number.size() <= width;
    if (h % 5 != 0 || !fits) continue;
    line.resize(at, ' ');
    line += number;
  }
  return line;
}

std::string block(const HeatMap& map, const Scale& scale, ColorDepth depth, int begin, int end, int columns,
                  int label) {
  const std::string frame = depth == ColorDepth::none ? "|" : "";
  const std::string margin(frame.size(), ' ');
  std::string out = fmt::format("{:>{}}  {}{}\n", "head", label, margin, ruler(begin, end, columns));
  for (int l = 0; l < map.grid.layers; ++l) {
    out += fmt::format("{:>{}}  {}", fmt::format("L{}", l), label, frame);
    for (int h = begin; h < end; ++h) {
      const bool is_marked = map.marked && map.marked->off(l, h);
      out += map.shape.has({l, h}) ? cell(map.grid.at(l, h), scale, depth, columns, is_marked)
                                   : plain_cell(absent_mark(depth), depth, columns);
    }
    out += (depth == ColorDepth::none ? frame : "\x1b[0m") + "\n";
  }
  return out;
}

std::string legend(const Scale& scale, ColorDepth depth) {
  std::string bar;
  if (depth == ColorDepth::none) {
    bar = fmt::format("'{}'", kShades);
  } else {
    for (int i = 0; i < kLegendSteps; ++i)
      bar += background(static_cast<double>(i) / (kLegendSteps - 1), depth) + " ";
    bar += "\x1b[0m";
  }
  return fmt::format("{:.4g} {} {:.4g}", scale.low, bar, scale.high);
}

HeatMap frequency_map(const StudySummary& summary, const CurveEntry& point) {
  HeatMap map;
  map.title =
      fmt::format("How often each head was off under {} ({}), in percent of {}",
                  share_name(point.score->slug, point.share), point.rule, passes_text(summary, point));
  map.note = fmt::format("High: off in most {}. Low: hardly ever off.", passes_noun(summary, 2));
  map.shape = point.frequency.shape;
  map.grid = HeadGrid(point.frequency.layers, point.frequency.heads);
  for (size_t i = 0; i < map.grid.values.size(); ++i) {
    map.grid.values[i] =
        100 * static_cast<double>(point.frequency.off[i]) / static_cast<double>(point.frequency.passes);
  }
  map.low = 0;
  map.high = 100;
  return map;
}

}  // namespace

HeatMap heat_map(const StudySummary& summary, std::string_view what) {
  if (what.find_first_of("@<>") != std::string_view::npos)
    return frequency_map(summary, find_point(summary, what));
  const Score& score = require_score(what);
  if (score.is_random) {
    fail_usage(
        "random has no heat map: it is drawn anew for each sample; for how often heads were off ask for "
        "random@5%");
  }
  for (const ScoreDistribution& distribution : summary.distributions) {
    if (!(*distribution.score == score)) continue;
    HeatMap map;
    map.title = fmt::format("{}: {}, mean over samples", score.slug, score.paper_name);
    map.note = score.inactive_above ? "High: the score takes the head for inactive."
                                    : "Low: the score takes the head for inactive.";
    map.grid = distribution.mean;
    map.shape = summary.shape;
    return map;
  }
  throw std::logic_error("heat_map: the summary was made without distributions");
}

std::string render(const HeatMap& map, ColorDepth depth, int width) {
  const int label = std::max<int>(4, static_cast<int>(fmt::formatted_size("L{}", map.grid.layers - 1)));
  const int frame = depth == ColorDepth::none ? 2 : 0;
  const int room = std::max(1, width - label - 2 - frame);
  const int columns = 2 * map.grid.heads <= room ? 2 : 1;
  const int heads_in_block = std::max(1, room / columns);
  const Scale scale = scale_of(map);
  std::string out = wrap(map.title, width);
  for (int begin = 0; begin < map.grid.heads; begin += heads_in_block) {
    out += block(map, scale, depth, begin, std::min(begin + heads_in_block, map.grid.heads), columns, label);
  }
  if (std::isnan(scale.low)) return out + "no score is a number\n";
  out += legend(scale, depth) + "\n" + wrap(map.note, width);
  if (map.shape.is_whole()) return out;
  return out + wrap(fmt::format("'{}': a head that was cut from this model.", absent_mark(depth)), width);
}

}  // namespace idleheads
