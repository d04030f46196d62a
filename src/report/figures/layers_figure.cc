// Heads off by layer under one rule.
#include <fmt/format.h>

#include <array>

#include "base/fail.h"
#include "idleheads/report/export.h"
#include "report/figures/axes.h"
#include "report/figures/caption.h"
#include "report/figures/kinds.h"
#include "report/terminal/show_text.h"

namespace idleheads::figure {
namespace {

// From always to never, from dark to light.
struct Class {
  const char* label;
  Color color;
};
constexpr size_t kClasses = 4;
constexpr std::array<Class, kClasses> kClass = {{{"always off", {0x0b, 0x2a, 0x4a}},
                                                 {"off in 90 % or more", {0x2f, 0x6f, 0xb0}},
                                                 {"sometimes off", {0x9c, 0xc4, 0xe4}},
                                                 {"never off", {0xf1, 0xf1, 0xf1}}}};

struct LayerPanel {
  std::string title;
  const CurveEntry* point = nullptr;
  std::vector<std::array<int, kClasses>> layers;  // heads by class
};

std::string rule_name(const CurveEntry& point) { return share_name(point.score->slug, point.share); }

LayerPanel panel_of(const LoadedStudy& study, const std::string& title, const std::string& rule) try {
  const StudySummary& summary = study.summary;
  if (summary.score_only()) fail("no heads were switched off in the study, which has scores alone");
  const CurveEntry& point = point_to_export(summary, rule);
  LayerPanel panel = {title, &point, {}};
  panel.layers.resize(static_cast<size_t>(summary.layers));
  const NamedHeads named = name_heads(point.frequency);
  const std::vector<HeadId>* const lists[] = {&named.always, &named.mostly, &named.sometimes, &named.never};
  for (size_t c = 0; c < kClasses; ++c) {
    for (const HeadId id : *lists[c]) ++panel.layers[static_cast<size_t>(id.layer)][c];
  }
  return panel;
} catch (const UsageError& error) {
  fail_usage("{}: {}", file_of(study), error.what());
} catch (const Error& error) {
  fail("{}: {}", file_of(study), error.what());
}

void draw_panel(Drawing& drawing, const Box& box, const LayerPanel& panel, int heads) {
  const double last = static_cast<double>(panel.layers.size()) - 0.5;
  const PlotText text = {fmt::format("{}: {}", panel.title, rule_name(*panel.point)), "layer", "heads"};
  const Plot plot = draw_plot(drawing, box, text, {-0.5, last}, {0, static_cast<double>(heads)}, 1);
  constexpr double kHalf = 0.42;  // of a bar; 0.5 would leave no gap
  for (size_t l = 0; l < panel.layers.size(); ++l) {
    const double at = static_cast<double>(l);
    drawing.add(Open{fmt::format("layer {}", l)});
    int below = 0;
    for (size_t c = 0; c < kClasses; ++c) {
      const int count = panel.layers[l][c];
      if (count == 0) continue;
      const Box bar = {plot.x.place(at - kHalf), plot.y.place(below + count), plot.x.place(at + kHalf),
                       plot.y.place(below)};
      drawing.add(rectangle(bar, kClass[c].color));
      drawing.add(outline(bar, kGray, 0.3));
      below += count;
    }
    drawing.add(Close{});
  }
}

std::string caption_of(const std::vector<LoadedStudy>& studies, const std::vector<LayerPanel>& panels) {
  std::vector<std::string> rules;
  for (const LayerPanel& panel : panels) {
    int always = 0;
    for (const auto& layer : panel.layers) always += layer[0];
    rules.push_back(fmt::format("{} ({}; {:.1f} % of the heads off on average, {} always)",
                                rule_name(*panel.point), panel.point->rule, panel.point->percent_off,
                                count_text(always, "head")));
  }
  return fmt::format("Attention heads by layer, by the share of {} in which they were off: {}. Rule: {}. {}",
                     studies[0].summary.generates ? "forward passes" : "the prompts", measured_text(studies),
                     listed(rules), settings_text(studies));
}

}  // namespace

Figure layers_figure(const std::vector<LoadedStudy>& studies, const Options& options) {
  std::vector<LayerPanel> panels;
  const std::vector<std::string> titles = panel_titles(studies);
  for (size_t i = 0; i < studies.size(); ++i) panels.push_back(panel_of(studies[i], titles[i], options.rule));
  std::vector<LegendEntry> legend;
  for (const Class& entry : kClass) legend.push_back({entry.label, {entry.color}, true});
  const Layout layout = lay_out(options.size, panels.size(), 230, 120, legend);
  Drawing drawing = {layout.width, layout.height, "Heads off by layer, " + listed(study_labels(studies))};
  for (size_t i = 0; i < panels.size(); ++i)
    draw_panel(drawing, layout.panels[i], panels[i], studies[i].summary.heads);
  draw_legend(drawing, layout, legend);
  return {std::move(drawing), caption_of(studies, panels)};
}

}  // namespace idleheads::figure
