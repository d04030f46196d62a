// The parts of `idleheads show` that stand by themselves: heads by name, curves, subjects, distributions.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "base/fail.h"
#include "idleheads/report/show.h"
#include "report/terminal/show_text.h"
#include "report/terminal/table.h"
#include "report/terminal/text.h"

namespace idleheads {
namespace {

constexpr size_t kSometimesShown = 40;

// One line a layer, "    L5  L5H3 L5H7"; `suffix` is put behind each name.
template <typename Suffix>
std::string heads_by_layer(const std::vector<HeadId>& heads, int width, const Suffix& suffix) {
  std::map<int, std::vector<std::string>> layers;
  for (const HeadId id : heads) layers[id.layer].push_back(to_string(id) + suffix(id));
  std::string out;
  for (const auto& [layer, names] : layers)
    out += wrap(names, width, fmt::format("    layer {:>2}: ", layer));
  return out;
}

std::string sometimes_off(const StudySummary& s, const CurveEntry& point, const ShowOptions& options) {
  std::vector<HeadId> heads = s.named->sometimes;
  std::string out = fmt::format("  sometimes, {}", count_text(static_cast<int64_t>(heads.size()), "head"));
  if (heads.size() > kSometimesShown) {
    const auto more_often = [&](HeadId a, HeadId b) {
      return point.frequency.count(a) > point.frequency.count(b);
    };
    std::stable_sort(heads.begin(), heads.end(), more_often);
    heads.resize(kSometimesShown);
    std::sort(heads.begin(), heads.end());
    out += fmt::format(" (the {} most often off; all are in the export)", kSometimesShown);
  }
  const auto share = [&](HeadId id) {
    return fmt::format(" ({:.0f}%)", std::clamp(100 * point.frequency.share(id), 1.0, 99.0));
  };
  return out + "\n" + heads_by_layer(heads, options.width, share);
}

// All shares that were planned or finished, in order.
std::vector<double> tested_shares(const StudySummary& s) {
  std::vector<double> shares;
  for (const ScoreSummary& score : s.scores) {
    for (const CurveEntry& point : score.points) shares.push_back(point.share);
  }
  std::sort(shares.begin(), shares.end());
  shares.erase(std::unique(shares.begin(), shares.end()), shares.end());
  return shares;
}

// A point's value without a sign of percent.
std::string height_text(const StudySummary& s, const CurveEntry& point) {
  const double value = value_of(point.values, s.metric).value;
  return metric_info(s.metric).is_share ? fmt::format("{:.1f}", 100 * value) : fmt::format("{:.4g}", value);
}

std::string capitalized(std::string text) {
  if (!text.empty() && text[0] >= 'a' && text[0] <= 'z') text[0] = static_cast<char>(text[0] - 'a' + 'A');
  return text;
}

std::vector<std::string> curve_cells(const StudySummary& s, std::string name,
                                     const std::vector<CurveEntry>& points, std::span<const double> shares) {
  std::vector<std::string> cells = {std::move(name)};
  for (const double share : shares) {
    const auto point = std::ranges::find(points, share, &CurveEntry::share);
    cells.push_back(
        point == points.end() ? "-" : fmt::format("{} @ {:.1f}", height_text(s, *point), point->percent_off));
  }
  return cells;
}

Table curves_table(const StudySummary& s, const std::vector<double>& shares) {
  std::vector<Column> columns = {{"score", Align::left}};
  for (const double share : shares) columns.push_back({percent_text(share) + " %"});
  Table table(columns);
  for (const ScoreSummary& score : s.scores) {
    table.add_row(curve_cells(s, std::string(score.score->slug), score.points, shares),
                  score.score->is_random ? Emphasis::faint : Emphasis::none);
    std::map<double, std::vector<CurveEntry>> static_masks;
    for (const CurveEntry& point : score.static_points) static_masks[*point.at_least].push_back(point);
    for (const auto& [at_least, points] : static_masks)
      table.add_row(curve_cells(s, "  " + inputs_text(at_least), points, shares));
  }
  return table;
}

std::string error_text(const MetricValue& value) {
  return value.error ? fmt::format("{:.4f}", *value.error) : "N/A";
}

std::string number_text(double value) { return std::isnan(value) ? "-" : fmt::format("{:.4g}", value); }

}  // namespace

std::string show_heads(const StudySummary& s, const ShowOptions& options) {
  if (!s.named) return "";
  const CurveEntry& point = *best_point(s);
  std::string out = wrap(
      fmt::format(
          "Heads that were off under {} ({}), where {:.1f} % are off on average and {} {} {}, by how often "
          "over {}:",
          share_name(point.score->slug, point.share), point.rule, point.percent_off, metric_noun(s.metric),
          metric_noun(s.metric).ends_with('s') ? "are" : "is",
          value_text(s.metric, value_of(point.values, s.metric)), passes_text(s, point)),
      options.width);
  const auto nothing = [](HeadId) { return ""; };
  const auto size = [](const std::vector<HeadId>& heads) {
    return count_text(static_cast<int64_t>(heads.size()), "head");
  };
  out += fmt::format("  always, {}\n", size(s.named->always)) +
         heads_by_layer(s.named->always, options.width, nothing);
  out += fmt::format("  mostly (at least 90 %), {}\n", size(s.named->mostly)) +
         heads_by_layer(s.named->mostly, options.width, nothing);
  out += sometimes_off(s, point, options);
  return out + fmt::format("  never, {}\n", size(s.named->never));
}

std::string show_curves(const StudySummary& s, const ShowOptions& options) {
  const std::vector<double> shares = tested_shares(s);
  const char* unit = metric_info(s.metric).is_share ? " in percent" : "";
  std::string out = wrap(
      fmt::format("{}{} @ percent of heads off, by target share:", capitalized(metric_noun(s.metric)), unit),
      options.width);
  if (shares.empty()) return out + "  no intervention is finished yet\n";
  return out + "\n" + curves_table(s, shares).within(options.width, options.colored());
}

std::string show_subjects(const StudySummary& s, const ShowOptions& options) {
  const char* counted = metric_info(s.metric).is_share ? "questions" : "texts";
  std::vector<Column> columns = {{"subject", Align::left}, {counted}, {metric_name(s.metric)}, {"stderr"}};
  const bool chosen = s.subjects_chosen.size() == s.subjects.size();
  if (chosen) columns.insert(columns.end(), {{s.chosen_rule}, {"stderr"}});
  Table table(columns);
  for (size_t i = 0; i < s.subjects.size(); ++i) {
    const SubjectRow& row = s.subjects[i];
    const MetricValue value = value_of(row.values, s.metric);
    const std::string indent = row.depth == 0 ? "" : std::string(static_cast<size_t>(row.depth), ' ') + "- ";
    std::vector<std::string> cells = {indent + printable(row.name, 60), fmt::format("{}", value.n),
                                      fmt::format("{:.4f}", value.value), error_text(value)};
    if (chosen) {
      const MetricValue under = value_of(s.subjects_chosen[i].values, s.metric);
      cells.push_back(fmt::format("{:.4f}", under.value));
      cells.push_back(error_text(under));
    }
    table.add_row(cells, row.depth == 0 ? Emphasis::strong : Emphasis::none);
  }
  std::string out = wrap(capitalized(metric_noun(s.metric)) + " per subject, all heads on" +
                             (chosen ? " and under " + s.chosen_rule : std::string()) + ":",
                         options.width);
  out += "\n" + table.within(options.width, options.colored());
  if (s.subjects.size() > 2) {
    out += wrap("Errors of rows over several subjects are pooled, as lm-evaluation-harness has them.",
                options.width);
  }
  return out;
}

std::string show_distributions(const StudySummary& s, const ShowOptions& options) {
  std::vector<Column> columns = {
      {"score", Align::left}, {"name in the paper", Align::left}, {"inactive", Align::left}};
  for (const char* name : {"min", "5 %", "median", "95 %", "max"}) columns.push_back({name});
  const bool any_nan =
      std::any_of(s.distributions.begin(), s.distributions.end(), [](const auto& d) { return d.nan > 0; });
  if (any_nan) columns.push_back({"no number"});
  std::string out =
      wrap(fmt::format(
               "Scores of all heads over {}. No head was switched off here: idleheads study does that, and "
               "so proves which heads are inactive.",
               count_text(s.samples, "sample")),
           options.width);
  if (s.baseline_done == 0) return out + "There are no results yet.\n";
  Table table(columns);
  for (const ScoreDistribution& d : s.distributions) {
    std::vector<std::string> cells = {std::string(d.score->slug), std::string(d.score->paper_name),
                                      d.score->inactive_above ? "if high" : "if low"};
    for (const double value : {d.min, d.low, d.median, d.high, d.max}) cells.push_back(number_text(value));
    if (any_nan) cells.push_back(fmt::format("{}", d.nan));
    table.add_row(cells);
  }
  if (table.width() > options.width) table.remove_column(1);  // the slug says the same
  return out + "\n" + table.within(options.width, options.colored());
}

}  // namespace idleheads
