#include "report/exports/curve_svg.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <ranges>

#include "base/fail.h"
#include "report/numbers/decided.h"
#include "report/numbers/model_curves.h"
#include "report/terminal/show_text.h"

namespace idleheads {
namespace {

constexpr double kLeft = 60, kRight = 560, kTop = 40, kBottom = 410;  // the plot
constexpr double kLegend = 575;

// One colour for each raw number (Okabe and Ito), told apart without telling red from green; the line tells
// how it is normalised.
std::string color_of(std::string_view slug) {
  const std::string_view family = slug.substr(0, slug.find('_'));
  constexpr std::pair<std::string_view, const char*> kColors[] = {
      {"awft", "#0072B2"},  {"aeqd", "#E69F00"},  {"ftvvn", "#009E73"},
      {"avvn", "#CC79A7"},  {"lthon", "#56B4E9"}, {"ahon", "#D55E00"},
      {"afhon", "#9A8700"}, {"mass", "#5E4FA2"},  {"sink", "#000000"}};
  for (const auto& [name, color] : kColors) {
    if (family == name) return color;
  }
  return "#808080";
}

const char* dash_of(const Score& score) {
  if (score.is_random) return "2 3";
  switch (score.normaliser) {
    case Score::Normaliser::one:
      return "7 4";
    case Score::Normaliser::own:
      return "2 3";
    case Score::Normaliser::layer_mean:
      return "none";
  }
  return "none";
}

// `text` is printable(): of what XML does not have, only U+FFFE and U+FFFF can be in it.
std::string escaped(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    const std::string_view next = text.substr(i, 3);
    if (next == "\xef\xbf\xbe" || next == "\xef\xbf\xbf") {
      out += '?';
      i += 2;
      continue;
    }
    const char c = text[i];
    switch (c) {
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '&':
        out += "&amp;";
        break;
      default:
        out += c;
    }
  }
  return out;
}

// What a line is drawn of.
struct BandPoint {
  double percent = 0, low = 0, high = 0;
};
struct Curve {
  const Score* score = nullptr;
  std::vector<CurvePoint> points;  // from left to right
  std::vector<BandPoint> band;     // likewise; none of finished curves
};

std::vector<Curve> finished_curves(const StudySummary& summary) {
  std::vector<Curve> curves;
  for (const ScoreSummary& score : summary.scores) {
    if (score.points.empty()) continue;
    Curve& curve = curves.emplace_back(Curve{score.score, curve_points(summary, score), {}});
    std::erase_if(curve.points, [](const CurvePoint& point) { return !std::isfinite(point.accuracy); });
    std::ranges::sort(curve.points, {}, &CurvePoint::percent);
  }
  return curves;
}

// The baseline less what the questions asked lose. An interval is drawn no further than kWidest points from
// it.
std::vector<Curve> decided_curves(const StudySummary& summary) {
  constexpr double kWidest = 10;
  const double baseline = points_of(summary.metric, summary.baseline_value().value);
  std::vector<Curve> curves;
  for (const DecisionSummary::OfScore& score : summary.decisions->scores) {
    Curve& curve = curves.emplace_back(Curve{score.score, {{0, baseline}}, {{0, baseline, baseline}}});
    for (const DecidedPoint* point : points_of_score(*summary.decisions, *score.score)) {
      const Decision& decision = point->decision;
      if (decision.documents == 0) continue;
      const double estimate = 100 * decision.estimate;
      curve.points.push_back({point->entry.percent_off, baseline - estimate});
      curve.band.push_back({point->entry.percent_off,
                            baseline - std::min(100 * decision.bounds.high, estimate + kWidest),
                            baseline - std::max(100 * decision.bounds.low, estimate - kWidest)});
    }
    std::ranges::sort(curve.points, {}, &CurvePoint::percent);
    std::ranges::sort(curve.band, {}, &BandPoint::percent);
  }
  std::erase_if(curves, [](const Curve& curve) { return curve.points.size() < 2; });
  return curves;
}

double tolerance_of(const StudySummary& summary) {
  return shows_decisions(summary) ? 100 * summary.decisions->terms.tolerance : summary.terms.tolerance;
}

// A step of 1, 2 or 5 times a power of ten that gives at most ten ticks.
double tick_step(double span) {
  const double power = std::pow(10, std::floor(std::log10(span / 10)));
  for (const double factor : {1., 2., 5., 10.}) {
    if (span / (factor * power) <= 10) return factor * power;
  }
  return 10 * power;
}

// From values to places.
struct Axis {
  double low = 0, high = 1, step = 1, from = 0, to = 1;
  Axis(double least, double greatest, double begin, double end) : from(begin), to(end) {
    if (!(greatest > least)) greatest = least + 1;
    step = tick_step(greatest - least);
    low = std::floor(least / step) * step;
    high = std::ceil(greatest / step) * step;
  }
  double place(double value) const { return from + (value - low) / (high - low) * (to - from); }
  int ticks() const { return static_cast<int>(std::lround((high - low) / step)); }
};

std::string text_at(double x, double y, const char* anchor, const std::string& text, const char* more = "") {
  return fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"{}\"{}>{}</text>\n", x, y, anchor, more,
                     escaped(text));
}

std::string grid(const Axis& x, const Axis& y) {
  std::string out;
  for (int i = 0; i <= x.ticks(); ++i) {
    const double value = x.low + i * x.step;
    out += fmt::format("<path class=\"grid\" d=\"M{0:.1f} {1}V{2}\"/>\n", x.place(value), kTop, kBottom);
    out += text_at(x.place(value), kBottom + 16, "middle", fmt::format("{:g}", value));
  }
  for (int i = 0; i <= y.ticks(); ++i) {
    const double value = y.low + i * y.step;
    out += fmt::format("<path class=\"grid\" d=\"M{1} {0:.1f}H{2}\"/>\n", y.place(value), kLeft, kRight);
    out += text_at(kLeft - 6, y.place(value) + 4, "end", fmt::format("{:g}", value));
  }
  return out;
}

std::string line_of(const Curve& curve, const Axis& x, const Axis& y, bool best) {
  std::string path, dots;
  for (const CurvePoint& point : curve.points) {
    path += fmt::format("{}{:.2f} {:.2f}", path.empty() ? "M" : "L", x.place(point.percent),
                        y.place(point.accuracy));
    dots += fmt::format("<circle cx=\"{:.2f}\" cy=\"{:.2f}\" r=\"2.5\"/>", x.place(point.percent),
                        y.place(point.accuracy));
  }
  const std::string color = color_of(curve.score->slug);
  return fmt::format(
      "<g fill=\"{0}\"><path d=\"{1}\" fill=\"none\" stroke=\"{0}\" stroke-width=\"{2}\" "
      "stroke-dasharray=\"{3}\"/>{4}</g>\n",
      color, path, best ? 3 : 1.5, dash_of(*curve.score), dots);
}

// The intervals of what need not have all results: an area from the lower ends to the upper ones.
std::string band_of(const Curve& curve, const Axis& x, const Axis& y) {
  std::string path;
  const auto add = [&](const BandPoint& point, double height) {
    path += fmt::format("{}{:.2f} {:.2f}", path.empty() ? "M" : "L", x.place(point.percent), y.place(height));
  };
  for (const BandPoint& point : curve.band) add(point, point.high);
  for (const BandPoint& point : curve.band | std::views::reverse) add(point, point.low);
  if (path.empty()) return "";
  return fmt::format("<path d=\"{}Z\" fill=\"{}\" fill-opacity=\"0.12\" clip-path=\"url(#plot)\"/>\n", path,
                     color_of(curve.score->slug));
}

std::string legend_entry(const Score& score, double y, bool best) {
  return fmt::format(
             "<path d=\"M{} {:.1f}h30\" stroke=\"{}\" stroke-width=\"{}\" stroke-dasharray=\"{}\"/>\n",
             kLegend, y, color_of(score.slug), best ? 3 : 1.5, dash_of(score)) +
         text_at(kLegend + 36, y + 4, "start", std::string(score.slug));
}

}  // namespace

std::string curve_svg(const StudySummary& summary) {
  const std::vector<Curve> curves =
      shows_decisions(summary) ? decided_curves(summary) : finished_curves(summary);
  double right = 0, low = INFINITY, high = -INFINITY;
  for (const Curve& curve : curves) {
    for (const CurvePoint& point : curve.points) {
      right = std::max(right, point.percent);
      low = std::min(low, point.accuracy);
      high = std::max(high, point.accuracy);
    }
  }
  if (curves.empty() || !std::isfinite(low))
    fail("no intervention of the study is finished, so that it has no curve");
  const double tolerance = tolerance_of(summary);
  const double line = points_of(summary.metric, summary.baseline_value().value) - tolerance;
  const Axis x(0, right, kLeft, kRight), y(std::min(low, line), std::max(high, line), kBottom, kTop);
  const bool is_share = metric_info(summary.metric).is_share;
  const std::string unit =
      is_share ? metric_noun(summary.metric) + " (%)" : "-100 ln " + metric_noun(summary.metric);

  std::string out =
      "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 720 460\" width=\"720\" height=\"460\" "
      "font-family=\"sans-serif\" font-size=\"12\">\n<style>.grid{stroke:#ddd}</style>\n"
      "<rect width=\"720\" height=\"460\" fill=\"#fff\"/>\n";
  out += text_at(kLeft, 20, "start", short_model_name(summary) + ", " + printable(summary.task),
                 " font-weight=\"bold\"");
  out += grid(x, y);
  out += fmt::format("<path d=\"M{} {:.1f}H{}\" stroke=\"#000\" stroke-dasharray=\"1 3\"/>\n", kLeft,
                     y.place(line), kRight);
  out += text_at(kRight - 4, y.place(line) - 4, "end", fmt::format("all heads on - {:g}", tolerance));
  double place = kTop + 10;
  if (shows_decisions(summary))
    out +=
        fmt::format("<clipPath id=\"plot\"><rect x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\"/></clipPath>\n",
                    kLeft, kTop, kRight - kLeft, kBottom - kTop);
  for (const Curve& curve : curves) out += band_of(curve, x, y);
  const CurveEntry* best = best_point(summary);
  for (const Curve& curve : curves) {
    const bool is_best = best && *best->score == *curve.score;
    out += line_of(curve, x, y, is_best) + legend_entry(*curve.score, place, is_best);
    place += 20;
  }
  out += text_at((kLeft + kRight) / 2, kBottom + 38, "middle", "heads off (%)");
  out += text_at(0, 0, "middle", unit,
                 fmt::format(" transform=\"translate(16 {}) rotate(-90)\"", (kTop + kBottom) / 2).c_str());
  return out + "</svg>\n";
}

}  // namespace idleheads
