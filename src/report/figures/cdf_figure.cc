// How scores are distributed over prompts and heads.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "analysis/spread.h"
#include "base/fail.h"
#include "report/figures/axes.h"
#include "report/figures/caption.h"
#include "report/figures/kinds.h"
#include "report/terminal/show_text.h"

namespace idleheads::figure {
namespace {

constexpr int kQuantiles = 201;  // from 0 to 100 % in steps of a half

struct Distribution {
  std::string label;
  Stroke stroke;
  std::vector<float> quantiles;
  std::vector<Place> thresholds;  // value, and percent of all at or below it
};

struct CdfPanel {
  const Score* score = nullptr;
  std::vector<Distribution> lines;
};

// Those asked for; else that of the first study's best rule, else the one that show() begins with.
std::vector<const Score*> scores_of(const LoadedStudy& study, const std::vector<std::string>& slugs) {
  if (slugs.empty()) {
    const CurveEntry* best = best_point(study.summary);
    return {best ? best->score : &require_score("ahon_ln")};
  }
  std::vector<const Score*> scores;
  for (const std::string& slug : slugs) {
    scores.push_back(&require_score(slug));
    if (scores.back()->is_random) fail_usage("random is drawn by lot: it has no distribution to show");
  }
  return scores;
}

std::vector<float> all_values(const LoadedStudy& study, const Score& score,
                              const std::vector<StoredResult>& baseline) {
  std::vector<float> all;
  for (const std::vector<float>& head :
       head_values(score, study.summary.layers, study.summary.heads, baseline))
    all.insert(all.end(), head.begin(), head.end());
  return all;
}

// Of the tested shares above zero; heads above their threshold are the upper end of the distribution.
std::vector<Place> thresholds_of(const LoadedStudy& study, const Score& score) {
  std::vector<Place> out;
  for (const StoredIntervention& intervention : study.store.plan()) {
    if (intervention.score != score.slug || intervention.is_static() || intervention.share == 0) continue;
    const Intervention parsed = parse_intervention(intervention.rule);
    const auto* rule = std::get_if<ScoreRule>(&parsed);
    if (!rule) continue;
    out.push_back(
        {rule->threshold, 100 * (score.inactive_above ? 1 - intervention.share : intervention.share)});
  }
  return out;
}

std::vector<CdfPanel> panels_of(const std::vector<LoadedStudy>& studies,
                                const std::vector<const Score*>& scores) {
  const std::vector<std::string> labels = study_labels(studies);
  std::vector<CdfPanel> panels;
  for (const Score* score : scores) panels.push_back({score, {}});
  for (size_t i = 0; i < studies.size(); ++i) {
    const std::vector<StoredResult> baseline =
        studies[i].store.results(0, true);  // large: one study at a time
    if (baseline.empty())
      fail("{}: no document of the study has statistics yet, so that there is no distribution",
           file_of(studies[i]));
    for (CdfPanel& panel : panels) {
      Distribution line = {labels[i], stroke_of_study(i), {}, thresholds_of(studies[i], *panel.score)};
      line.quantiles = quantiles_of(all_values(studies[i], *panel.score, baseline), kQuantiles);
      if (line.quantiles.empty())
        fail("{}: {} is a number in no sample, so that it has no distribution", file_of(studies[i]),
             panel.score->slug);
      panel.lines.push_back(std::move(line));
    }
  }
  return panels;
}

std::string axis_text(const Score& score) {
  const bool in_nats = score.numerator == Stat::entropy && score.normaliser == Score::Normaliser::one;
  return fmt::format("{}{}", score.slug, in_nats ? " (nats)" : "");
}

// Without the least and the greatest hundredth, so that single heads do not take all of the axis.
Range values_of(const CdfPanel& panel) {
  constexpr size_t kHundredth = (kQuantiles - 1) / 100;
  Range range = Range::none();
  for (const Distribution& line : panel.lines) {
    range.include(line.quantiles[kHundredth]);
    range.include(line.quantiles[kQuantiles - 1 - kHundredth]);
    for (const Place& threshold : line.thresholds) range.include(threshold.x);
  }
  return range;
}

void draw_panel(Drawing& drawing, const Box& box, const CdfPanel& panel) {
  const PlotText text = {std::string(shown_name(*panel.score)), axis_text(*panel.score), "at or below (%)"};
  const Plot plot = draw_plot(drawing, box, text, values_of(panel), {0, 100});
  drawing.add(Open{"", plot.box});
  for (const Distribution& line : panel.lines) {
    Line drawn = {{}, line.stroke.color, 1.2, line.stroke.dashes};
    for (size_t i = 0; i < line.quantiles.size(); ++i)
      drawn.places.push_back(
          {plot.x.place(line.quantiles[i]), plot.y.place(100. * static_cast<double>(i) / (kQuantiles - 1))});
    std::erase_if(drawn.places, [](const Place& place) { return !std::isfinite(place.x); });
    drawing.add(Open{line.label});
    drawing.add(std::move(drawn));
    for (const Place& threshold : line.thresholds)
      drawing.add(mark_at({plot.x.place(threshold.x), plot.y.place(threshold.y)}, line.stroke.mark, 4,
                          line.stroke.color));
    drawing.add(Close{});
  }
  drawing.add(Close{});
}

// The shares that some study tested, in rising order.
std::vector<double> shares_of(const std::vector<CdfPanel>& panels) {
  std::vector<double> shares;
  for (const CdfPanel& panel : panels) {
    for (const Distribution& line : panel.lines) {
      for (const Place& threshold : line.thresholds)
        shares.push_back((panel.score->inactive_above ? 100 - threshold.y : threshold.y) / 100);
    }
  }
  std::ranges::sort(shares);
  const auto again = std::ranges::unique(shares, [](double a, double b) { return std::abs(a - b) < 1e-9; });
  shares.erase(again.begin(), again.end());
  return shares;
}

std::string caption_of(const std::vector<LoadedStudy>& studies, const std::vector<CdfPanel>& panels) {
  std::vector<std::string> names, shares;
  for (const CdfPanel& panel : panels)
    names.push_back(fmt::format("{} ({}; heads {} a threshold are off)", shown_name(*panel.score),
                                panel.score->slug, panel.score->inactive_above ? "above" : "below"));
  for (const double share : shares_of(panels)) shares.push_back(percent_text(share));
  std::string out = fmt::format(
      "Distribution of {} over prompts and heads, with all heads on: {}. The height is the share of all "
      "(prompt, head) "
      "pairs whose score is at or below a value; the axis leaves out the least and the greatest 1 %. ",
      listed(names), measured_text(studies));
  if (!shares.empty())
    out += fmt::format("Marks: the thresholds that take {} % of the pairs for inactive. ", listed(shares));
  return out + settings_text(studies);
}

}  // namespace

Figure cdf_figure(const std::vector<LoadedStudy>& studies, const Options& options) {
  const std::vector<CdfPanel> panels = panels_of(studies, scores_of(studies.front(), options.scores));
  std::vector<LegendEntry> legend;
  for (const Distribution& line : panels.front().lines) legend.push_back({line.label, line.stroke});
  const Layout layout = lay_out(options.size, panels.size(), 150, 150, legend);
  Drawing drawing = {layout.width, layout.height, "Distributions of " + listed(study_labels(studies))};
  for (size_t i = 0; i < panels.size(); ++i) draw_panel(drawing, layout.panels[i], panels[i]);
  draw_legend(drawing, layout, legend);
  return {std::move(drawing), caption_of(studies, panels)};
}

}  // namespace idleheads::figure
