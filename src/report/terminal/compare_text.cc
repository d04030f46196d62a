#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/fail.h"
#include "format/json.h"
#include "idleheads/report/compare.h"
#include "report/numbers/json_parts.h"
#include "report/terminal/show_text.h"
#include "report/terminal/table.h"

namespace idleheads {
namespace {

std::string number(double value, const char* format) {
  return std::isnan(value) ? "-" : fmt::format(fmt::runtime(format), value);
}

std::string percent(const std::optional<double>& value) {
  return value ? fmt::format("{:.1f} %", *value) : "-";
}

// The layer with the greatest Kolmogorov-Smirnov distance.
std::string farthest_layer(const std::vector<CdfDistance>& layers) {
  const auto found = std::max_element(
      layers.begin(), layers.end(),
      [](const CdfDistance& a, const CdfDistance& b) { return a.kolmogorov_smirnov < b.kolmogorov_smirnov; });
  if (found == layers.end() || std::isnan(found->kolmogorov_smirnov)) return "-";
  return fmt::format("{} ({:.2f})", found - layers.begin(), found->kolmogorov_smirnov);
}

std::string intro(const StudyComparison& c, const StudySummary& a, const StudySummary& b, int width) {
  const auto describe = [](const std::string& file, const std::string& name, const StudySummary& s,
                           const MetricValue& baseline) {
    std::string text =
        fmt::format("{}: {} ({} layers x {} heads", printable(file, 200), name, s.layers, s.heads);
    if (!s.shape.is_whole()) text += fmt::format(", {} of them there", s.head_count());
    if (baseline.n > 0)
      text += fmt::format(", {} {} with all heads on", metric_noun(s.metric), value_text(s.metric, baseline));
    return text + ")";
  };
  std::string out = wrap("A: " + describe(c.file_a, c.name_a, a, c.baseline_a), width);
  out += wrap("B: " + describe(c.file_b, c.name_b, b, c.baseline_b), width);
  std::string line =
      fmt::format("Task {}; {} in both", printable(a.task), count_text(c.documents, "document"));
  if (c.documents != c.documents_a || c.documents != c.documents_b)
    line += fmt::format(" (of {} and {}), which alone accuracies and distances here are over", c.documents_a,
                        c.documents_b);
  out += wrap(line + ".", width);
  if (!c.same_shape)
    out += wrap(
        "The models are of different shapes: distributions and curves are compared, single heads are not.",
        width);
  out += c.differences.empty() ? "All settings are the same.\n" : "Settings that differ:\n";
  for (const std::string& difference : c.differences) out += wrap(difference, width, "  ");
  return out;
}

std::string scores_table(const StudyComparison& c, const ShowOptions& options) {
  Table table({{"score", Align::left},
               {"KS"},
               {"Wasserstein"},
               {"farthest layer (KS)"},
               {"rank correlation"},
               {"can be off, A"},
               {"can be off, B"}});
  for (const ScoreComparison& score : c.scores) {
    table.add_row({std::string(score.score->slug), number(score.distance.kolmogorov_smirnov, "{:.3f}"),
                   number(score.distance.wasserstein, "{:.4g}"), farthest_layer(score.layers),
                   score.head_correlation ? fmt::format("{:.3f}", *score.head_correlation) : "-",
                   percent(score.inactive_a), percent(score.inactive_b)});
  }
  return table.within(options.width, options.colored()) +
         wrap(
             "KS: Kolmogorov-Smirnov distance of the distributions of the score over all samples and heads, "
             "0 to 1; "
             "Wasserstein: area between the two distribution functions, in units of the score; rank "
             "correlation: "
             "Spearman's, of the heads' means; can be off: as idleheads show has it; -: none.",
             options.width);
}

std::string head_list(const std::vector<HeadId>& heads, const std::string& title, int width) {
  if (heads.empty()) return "";
  std::vector<std::string> words;
  for (const HeadId id : heads) words.push_back(to_string(id));
  return "  " + title + fmt::format(", {}\n", count_text(static_cast<int64_t>(heads.size()), "head")) +
         wrap(words, width, "    ");
}

std::string changed_part(const StudyComparison& c, const StudySummary& a, const ShowOptions& options) {
  if (c.changed.empty()) return "";
  Table table({{"rule", Align::left}, {"off in both"}, {"only in A"}, {"only in B"}, {"on in both"}});
  const ChangedHeads* chosen = nullptr;
  for (const ChangedHeads& changed : c.changed) {
    const auto count = [](const auto& list) { return std::to_string(list.size()); };
    table.add_row({changed.name, std::to_string(changed.off_in_both), count(changed.now_on),
                   count(changed.now_off), std::to_string(changed.on_in_both)});
    if (a.best && changed.name.starts_with(std::string(a.scores[*a.best].score->slug) + "@"))
      chosen = &changed;
  }
  std::string out = "\n" +
                    wrap(
                        "Heads that are off in at least half of the forward passes, each study by its own "
                        "threshold for the share:",
                        options.width) +
                    "\n" + table.within(options.width, options.colored());
  if (!chosen) return out;
  out += "\n" + wrap(fmt::format("By {}, the best score of A ({} in A, {} in B):", chosen->name,
                                 chosen->rule_a, chosen->rule_b),
                     options.width);
  const std::string lists = head_list(chosen->now_on, "off in A, on in B", options.width) +
                            head_list(chosen->now_off, "on in A, off in B", options.width);
  return out + (lists.empty() ? "  the same heads\n" : lists);
}

// Metric of the curves side by side at common target shares: the scores that A finds best.
std::string curves_part(const StudySummary& a, const StudySummary& b, const ShowOptions& options) {
  Table table({{"score", Align::left}, {"share"}, {"A off"}, {"A"}, {"B off"}, {"B"}});
  for (const ScoreSummary& score : a.scores) {
    const ScoreSummary* other = find_tested(b, *score.score);
    if (!other) continue;
    for (const CurveEntry& point : score.points) {
      for (const CurveEntry& same : other->points) {
        if (same.share != point.share) continue;
        const auto value = [&](const CurveEntry& entry) {
          return plain_value_text(a.metric, value_of(entry.values, a.metric).value);
        };
        table.add_row({std::string(score.score->slug), percent_text(point.share) + " %",
                       fmt::format("{:.1f} %", point.percent_off), value(point),
                       fmt::format("{:.1f} %", same.percent_off), value(same)});
      }
    }
  }
  const MetricValue left = a.baseline_value(), right = b.baseline_value();
  if (left.n == 0 || right.n == 0) return "";
  return "\n" +
         wrap(fmt::format("{} by target share (each over its own documents; all heads on: {} and {}):",
                          metric_noun(a.metric), plain_value_text(a.metric, left.value),
                          plain_value_text(b.metric, right.value)),
              options.width) +
         "\n" + table.within(options.width, options.colored());
}

OrderedJson distance_json(const CdfDistance& distance) {
  return {{"ks", distance.kolmogorov_smirnov}, {"wasserstein", distance.wasserstein}};
}

OrderedJson heads_json(const std::vector<HeadId>& heads) {
  OrderedJson out = OrderedJson::array();
  for (const HeadId id : heads) out.push_back(to_string(id));
  return out;
}

OrderedJson score_json(const ScoreComparison& score) {
  OrderedJson out = distance_json(score.distance);
  out["score"] = score.score->slug;
  out["layers"] = OrderedJson::array();
  for (const CdfDistance& layer : score.layers) out["layers"].push_back(distance_json(layer));
  out["head_correlation"] = optional_json(score.head_correlation);
  out["largest_inactive_percent"] = {optional_json(score.inactive_a), optional_json(score.inactive_b)};
  return out;
}

OrderedJson changed_json(const ChangedHeads& changed) {
  return {{"rule", changed.name},
          {"rules", {changed.rule_a, changed.rule_b}},
          {"off_in_both", changed.off_in_both},
          {"on_in_both", changed.on_in_both},
          {"off_only_in_first", heads_json(changed.now_on)},
          {"off_only_in_second", heads_json(changed.now_off)}};
}

}  // namespace

OrderedJson comparison_json(const StudyComparison& c) {
  OrderedJson out;
  out["files"] = {c.file_a, c.file_b};
  out["models"] = {c.name_a, c.name_b};
  out["same_shape"] = c.same_shape;
  out["documents"] = c.documents;
  out["baseline"] = OrderedJson::array();
  for (const MetricValue& baseline : {c.baseline_a, c.baseline_b})
    out["baseline"].push_back(
        {{"n", baseline.n}, {"value", baseline.value}, {"stderr", optional_json(baseline.error)}});
  out["settings_that_differ"] = c.differences;
  out["scores"] = OrderedJson::array();
  for (const ScoreComparison& score : c.scores) out["scores"].push_back(score_json(score));
  out["changed_heads"] = OrderedJson::array();
  for (const ChangedHeads& changed : c.changed) out["changed_heads"].push_back(changed_json(changed));
  return out;
}

std::string show_comparison(const StudySummary& a, const StudySummary& b, const StudyComparison& comparison,
                            const ShowOptions& options) {
  std::string out = intro(comparison, a, b, options.width);
  out += "\n" + scores_table(comparison, options);
  out += changed_part(comparison, a, options);
  if (options.curves) out += curves_part(a, b, options);
  return out;
}

std::string show_layer_distances(const StudyComparison& comparison, const ShowOptions& options) {
  const size_t layers = comparison.scores.empty() ? 0 : comparison.scores.front().layers.size();
  if (layers == 0) return "The models have different numbers of layers: no distances by layer.\n";
  std::vector<Column> columns = {{"layer"}};
  for (const ScoreComparison& score : comparison.scores) columns.push_back({std::string(score.score->slug)});
  Table table(columns);
  for (size_t l = 0; l < layers; ++l) {
    std::vector<std::string> cells = {std::to_string(l)};
    for (const ScoreComparison& score : comparison.scores)
      cells.push_back(number(score.layers[l].kolmogorov_smirnov, "{:.2f}"));
    table.add_row(std::move(cells));
  }
  return "Kolmogorov-Smirnov distances by layer:\n\n" + table.within(options.width, options.colored());
}

}  // namespace idleheads
