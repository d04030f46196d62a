// The metric over the share of heads that are off.
#include <fmt/format.h>

#include <algorithm>
#include <ranges>

#include "base/fail.h"
#include "report/figures/axes.h"
#include "report/figures/caption.h"
#include "report/figures/curve_lines.h"
#include "report/figures/kinds.h"
#include "report/numbers/decided.h"
#include "report/terminal/show_text.h"

namespace idleheads::figure {
namespace {

constexpr size_t kFew = 3;  // so many lines can have a band each
constexpr double kThick = 2;

struct Drawn {
  std::string label;
  Stroke stroke;
  std::vector<CurvePoint> points;
  std::vector<BandPoint> band;
};

// A line across the plot.
struct Level {
  double height = 0;
  std::string label;
  Stroke stroke;
};

struct CurvePanel {
  PlotText text;
  std::vector<Drawn> lines;
  std::vector<Level> levels;
};

Level all_on(double height) { return {height, "all heads on", {kGray, Mark::none, {}, 0.8}}; }

Level limit(double height, double tolerance) {
  return {
      height - tolerance, fmt::format("all heads on − {:g}", tolerance), {kBlack, Mark::none, {1, 1.6}, 0.9}};
}

const Score* best_score(const StudySummary& summary) {
  const CurveEntry* best = best_point(summary);
  return best ? best->score : nullptr;
}

// Those asked for, in this order; all if none is.
std::vector<CurveLine> chosen_lines(const LoadedStudy& study, const std::vector<std::string>& scores) {
  std::vector<CurveLine> lines = curve_lines(study);
  if (scores.empty()) return lines;
  std::vector<CurveLine> chosen;
  for (const std::string& slug : scores) {
    const auto found = std::ranges::find(lines, slug, [](const CurveLine& line) { return line.score->slug; });
    if (found == lines.end()) {
      std::vector<std::string> tested;
      for (const CurveLine& line : lines) tested.emplace_back(line.score->slug);
      fail_usage("{}: the study has no curve of '{}'; it has those of {}", file_of(study), slug,
                 listed(tested));
    }
    chosen.push_back(*found);
  }
  return chosen;
}

struct Ranges {
  Range x, y;
};

// Of all that is drawn.
Ranges ranges_of(const CurvePanel& panel) {
  Ranges out = {{0, 0}, Range::none()};
  for (const Drawn& line : panel.lines) {
    for (const CurvePoint& point : line.points) {
      out.x.include(point.percent);
      out.y.include(point.accuracy);
    }
    for (const BandPoint& point : line.band) {
      out.y.include(point.low);
      out.y.include(point.high);
    }
  }
  for (const Level& level : panel.levels) out.y.include(level.height);
  return out;
}

// Where lines come near it.
void add_guessing(const StudySummary& summary, CurvePanel& panel) {
  const Range y = ranges_of(panel).y;
  const double guessing = 100 * summary.chance;
  if (summary.chance > 0 && guessing >= y.low - 0.35 * y.span())
    panel.levels.push_back({guessing, "guessing", {kGray, Mark::none, {3, 2}, 0.8}});
}

CurvePanel panel_of_study(const LoadedStudy& study, const std::string& title,
                          const std::vector<std::string>& scores) {
  const StudySummary& summary = study.summary;
  const double baseline = baseline_height(summary);
  CurvePanel panel = {{title, "heads off (%)", metric_axis(summary)}, {}, {}};
  const Score* best = best_score(summary);
  std::vector<CurveLine> lines = chosen_lines(study, scores);
  const bool few = lines.size() <= kFew;
  for (CurveLine& line : lines) {
    const bool is_best = best && *best == *line.score;
    Drawn drawn = {std::string(line.score->slug), stroke_of(*line.score), std::move(line.points), {}};
    if (few || is_best) drawn.band = std::move(line.band);
    if (!few && is_best) drawn.stroke.width = kThick;
    panel.lines.push_back(std::move(drawn));
  }
  panel.levels = {all_on(baseline), limit(baseline, tolerance_of(summary))};
  add_guessing(summary, panel);
  return panel;
}

// Points of accuracy and percents of perplexity do not go into one plot.
void require_one_unit(const std::vector<LoadedStudy>& studies) {
  const Metric first = studies.front().summary.metric;
  for (const LoadedStudy& study : studies) {
    if (metric_info(study.summary.metric).is_share != metric_info(first).is_share)
      fail("{} is measured by {}, {} by {}: they cannot be lines of one plot", file_of(studies.front()),
           metric_name(first), file_of(study), metric_name(study.summary.metric));
  }
}

CurvePanel panel_of_score(const std::vector<LoadedStudy>& studies, const std::string& score) {
  require_one_unit(studies);
  const std::vector<std::string> labels = study_labels(studies);
  CurvePanel panel = {{fmt::format("{}: {}", score, shown_name(require_score(score))), "heads off (%)",
                       "difference to all heads on (points)"},
                      {},
                      {}};
  for (size_t i = 0; i < studies.size(); ++i) {
    CurveLine line = chosen_lines(studies[i], {score}).front();
    const double baseline = baseline_height(studies[i].summary);
    for (CurvePoint& point : line.points) point.accuracy -= baseline;
    for (BandPoint& point : line.band) point = {point.percent, point.low - baseline, point.high - baseline};
    if (studies.size() > kFew) line.band.clear();
    panel.lines.push_back({labels[i], stroke_of_study(i), std::move(line.points), std::move(line.band)});
  }
  panel.levels = {all_on(0), limit(0, tolerance_of(studies.front().summary))};
  return panel;
}

void draw_level(Drawing& drawing, const Plot& plot, const Level& level) {
  const double y = plot.y.place(level.height);
  drawing.add(Open{level.label});
  drawing.add(Line{{{plot.box.left, y}, {plot.box.right, y}},
                   level.stroke.color,
                   level.stroke.width,
                   level.stroke.dashes});
  drawing.add(Close{});
}

void draw_band(Drawing& drawing, const Plot& plot, const Drawn& line) {
  if (line.band.size() < 2) return;
  Area area = {{}, line.stroke.color, 0.16};
  for (const BandPoint& point : line.band)
    area.corners.push_back({plot.x.place(point.percent), plot.y.place(point.high)});
  for (const BandPoint& point : line.band | std::views::reverse)
    area.corners.push_back({plot.x.place(point.percent), plot.y.place(point.low)});
  drawing.add(Open{line.label + ", interval"});
  drawing.add(std::move(area));
  drawing.add(Close{});
}

void draw_line(Drawing& drawing, const Plot& plot, const Drawn& line) {
  std::vector<Place> places;
  for (const CurvePoint& point : line.points)
    places.push_back({plot.x.place(point.percent), plot.y.place(point.accuracy)});
  drawing.add(Open{line.label});
  drawing.add(Line{places, line.stroke.color, line.stroke.width, line.stroke.dashes});
  for (const Place& place : places)
    drawing.add(mark_at(place, line.stroke.mark, line.stroke.width > 1 ? 4.6 : 3.4, line.stroke.color));
  drawing.add(Close{});
}

void draw_panel(Drawing& drawing, const Box& box, const CurvePanel& panel) {
  const auto [x, y] = ranges_of(panel);
  const double beside = 0.03 * x.span(), around = 0.04 * y.span();  // for marks at the ends
  const Plot plot =
      draw_plot(drawing, box, panel.text, {0, x.high + beside}, {y.low - around, y.high + around});
  for (const Level& level : panel.levels) draw_level(drawing, plot, level);
  for (const Drawn& line : panel.lines) draw_band(drawing, plot, line);
  for (const Drawn& line : panel.lines) draw_line(drawing, plot, line);
}

void add_entry(std::vector<LegendEntry>& legend, const std::string& label, const Stroke& stroke) {
  const auto found = std::ranges::find(legend, label, &LegendEntry::label);
  if (found == legend.end()) {
    legend.push_back({label, stroke});
  } else {
    found->stroke.width = std::min(found->stroke.width, stroke.width);  // the best score of one study alone
  }
}

std::vector<LegendEntry> legend_of(const std::vector<CurvePanel>& panels) {
  std::vector<LegendEntry> legend;
  for (const CurvePanel& panel : panels) {
    for (const Drawn& line : panel.lines) add_entry(legend, line.label, line.stroke);
  }
  for (const CurvePanel& panel : panels) {
    for (const Level& level : panel.levels) add_entry(legend, level.label, level.stroke);
  }
  return legend;
}

// Of all studies, each once.
template <typename TextOf>
std::string each_once(const std::vector<LoadedStudy>& studies, TextOf text_of) {
  std::vector<std::string> out;
  for (const LoadedStudy& study : studies) {
    if (std::string text = text_of(study.summary); std::ranges::find(out, text) == out.end())
      out.push_back(std::move(text));
  }
  return listed(out);
}

std::string levels_text(const std::vector<LoadedStudy>& studies) {
  std::vector<std::string> baselines, chances;
  for (const LoadedStudy& study : studies) {
    const StudySummary& summary = study.summary;
    baselines.push_back(plain_value_text(summary.metric, summary.baseline_value().value));
    if (summary.chance > 0) chances.push_back(fmt::format("{:.1f} %", 100 * summary.chance));
  }
  std::string out = fmt::format("With all heads on: {}", listed(baselines));
  if (chances.size() == studies.size()) out += fmt::format("; guessing: {}", listed(chances));
  return out + fmt::format(". The dotted line is {} below all heads on. ",
                           each_once(studies, [](const StudySummary& summary) {
                             return tolerance_text(summary.metric, tolerance_of(summary));
                           }));
}

std::string bands_text(const std::vector<LoadedStudy>& studies) {
  if (std::ranges::all_of(studies, [](const LoadedStudy& study) { return shows_decisions(study.summary); }))
    return "";
  return fmt::format(
      "Bands: 95 % intervals of the difference to all heads on over the same questions (bootstrap over "
      "questions, 1000 draws, seed {}). ",
      studies[0].summary.terms.seed);
}

// What is drawn of studies that lack results.
std::string unfinished_text(const std::vector<LoadedStudy>& studies) {
  const std::vector<std::string> labels = study_labels(studies);
  std::string out;
  for (size_t i = 0; i < studies.size(); ++i) {
    const StudySummary& summary = studies[i].summary;
    if (summary.missing.empty()) continue;
    if (!shows_decisions(summary)) {
      out += fmt::format("{}: unfinished; interventions without all results are left out. ", labels[i]);
      continue;
    }
    out += fmt::format(
        "{}: not all questions are asked under every intervention; points are estimates, and bands what all "
        "questions can give, at {:g} % confidence for all points together, cut at 10 points from the "
        "estimate. ",
        labels[i], 100 * summary.decisions->terms.confidence);
  }
  return out;
}

bool has_bands(const std::vector<CurvePanel>& panels) {
  return std::ranges::any_of(panels, [](const CurvePanel& panel) {
    return std::ranges::any_of(panel.lines, [](const Drawn& line) { return line.band.size() > 1; });
  });
}

// Which score is thick, and alone has a band.
std::string thick_text(const std::vector<CurvePanel>& panels) {
  std::vector<std::string> thick;
  for (const CurvePanel& panel : panels) {
    for (const Drawn& line : panel.lines) {
      if (line.stroke.width == kThick && std::ranges::find(thick, line.label) == thick.end())
        thick.push_back(line.label);
    }
  }
  return thick.empty() ? "" : fmt::format("Thick, with its band: the best score ({}). ", listed(thick));
}

std::string caption_of(const std::vector<LoadedStudy>& studies, const std::vector<CurvePanel>& panels,
                       const std::string* score) {
  std::string out = capitalised(each_once(studies, [](const StudySummary& summary) {
    const std::string noun = metric_noun(summary.metric);
    const bool is_share = metric_info(summary.metric).is_share;
    return is_share ? noun : noun + " (−100 times its logarithm, so that one point is one percent)";
  }));
  out += fmt::format(" over the share of attention heads that are off: {}. ", measured_text(studies));
  out += score ? fmt::format("A line a model; heads are off by {} ({}). ", *score,
                             shown_name(require_score(*score)))
               : "A line a score. ";
  out += levels_text(studies) + thick_text(panels);
  if (has_bands(panels)) out += bands_text(studies);
  return out + unfinished_text(studies) + settings_text(studies);
}

}  // namespace

Figure curves_figure(const std::vector<LoadedStudy>& studies, const Options& options) {
  const bool by_study = studies.size() > 1 && options.scores.size() == 1;
  std::vector<CurvePanel> panels;
  if (by_study) {
    panels.push_back(panel_of_score(studies, options.scores.front()));
  } else {
    const std::vector<std::string> titles = panel_titles(studies);
    for (size_t i = 0; i < studies.size(); ++i)
      panels.push_back(panel_of_study(studies[i], titles[i], options.scores));
  }
  const std::vector<LegendEntry> legend = legend_of(panels);
  const Layout layout = lay_out(options.size, panels.size(), 150, 165, legend);
  Drawing drawing = {layout.width, layout.height, "Curves of " + listed(study_labels(studies))};
  for (size_t i = 0; i < panels.size(); ++i) draw_panel(drawing, layout.panels[i], panels[i]);
  draw_legend(drawing, layout, legend);
  return {std::move(drawing), caption_of(studies, panels, by_study ? &options.scores.front() : nullptr)};
}

}  // namespace idleheads::figure
