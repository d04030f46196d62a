#include "report/terminal/show_details.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "report/terminal/show_text.h"
#include "report/terminal/table.h"

namespace idleheads {
namespace {

std::string interval_text(const std::optional<Interval>& interval, double scale = 1) {
  if (!interval) return "-";
  return fmt::format("{:.1f} to {:.1f}", scale * interval->low, scale * interval->high);
}

std::string probability_text(const std::optional<double>& p) {
  if (!p) return "-";
  return *p < 0.001 ? "<0.001" : fmt::format("{:.3f}", *p);
}

std::string bound_text(double bound, int digits) {
  return std::isfinite(bound) ? fmt::format("{:.{}f}", bound, digits) : "-";
}

std::string optional_number(const std::optional<double>& value, const char* format) {
  return value ? fmt::format(fmt::runtime(format), *value) : "-";
}

std::vector<std::string> certainty_cells(const StudySummary& s, const ScoreSummary& score,
                                         const ScoreCertainty& certainty) {
  std::vector<std::string> cells = {std::string(score.score->slug),
                                    optional_number(score.inactive_percent, "{:.1f}"),
                                    interval_text(certainty.inactive_percent)};
  if (!score.proven) {
    cells.resize(12, "-");
    return cells;
  }
  const CurveEntry& point = score.points[*score.proven];
  const PointCertainty& sure = certainty.points[*score.proven];
  cells.push_back(fmt::format("{:.1f}", point.percent_off));
  cells.push_back(sure.accuracy ? interval_text(sure.accuracy, 100)
                                : plain_value_text(s.metric, value_of(point.values, s.metric).value));
  cells.push_back(fmt::format("{:+.1f}", sure.difference.points));
  cells.push_back(interval_text(sure.difference.interval));
  const AnswerChanges& changes = point.changes;
  cells.push_back(sure.mcnemar ? fmt::format("{}/{}", changes.lost, changes.won) : "-");
  cells.push_back(probability_text(sure.mcnemar));
  cells.push_back(bound_text(changes.loss_bound, 1));
  cells.push_back(changes.kl ? fmt::format("{:.3f}", changes.kl->mean) : "-");
  cells.push_back(bound_text(changes.kl_bound, 3));
  return cells;
}

// Where attention goes: how many heads of each kind.
std::string attention_text(const StudySummary& s, const HeadProfiles& profiles, int width) {
  const auto count = [&](MassPlace place) {
    return std::count_if(profiles.attention.begin(), profiles.attention.end(),
                         [place](const HeadAttention& head) { return head.is_there && head.place == place; });
  };
  return wrap(
      fmt::format(
          "Attention: {} of {} heads put at least half of their weight on the first token; of the others, {} "
          "look at few other tokens (less than half the entropy of even weights) and {} at many.",
          count(MassPlace::first_token), s.head_count(), count(MassPlace::few_tokens),
          count(MassPlace::many_tokens)),
      width);
}

std::string kv_text(const StudySummary& s, const KvProfile& kv, int width) {
  const CurveEntry& point = *best_point(s);
  std::string line = fmt::format(
      "KV cache: under {} {:.1f} of {} key and value heads have all their query heads off at a time, {} "
      "of them for every input",
      share_name(point.score->slug, point.share), kv.mean_groups(), static_cast<int64_t>(kv.all_groups()),
      kv.always.size());
  if (kv.head_dim) {
    line += fmt::format("; at 2 bytes a number {:.0f} of {:.0f} bytes for each token, always {:.0f}",
                        kv.cache_bytes(kv.mean_groups()), kv.cache_bytes(kv.all_groups()),
                        kv.cache_bytes(static_cast<double>(kv.always.size())));
  }
  return wrap(line + ".", width);
}

std::string layer_table(const StudySummary& s, const HeadProfiles& profiles, const ShowOptions& options) {
  std::vector<Column> columns = {{"layer"}};
  const bool off = best_point(s) != nullptr;
  if (off) columns.push_back({"off %"});
  for (const Stat stat : profiles.stats) columns.push_back({std::string(stat_name(stat))});
  Table table(columns);
  for (size_t l = 0; l < profiles.layers.size(); ++l) {
    std::vector<std::string> cells = {std::to_string(l)};
    const double layer_off = profiles.layers[l].off;
    if (off) cells.push_back(std::isnan(layer_off) ? "-" : fmt::format("{:.1f}", 100 * layer_off));
    for (const Stat stat : profiles.stats) {
      const double value = profiles.layers[l].stats[static_cast<size_t>(stat)];
      cells.push_back(std::isnan(value) ? "-" : fmt::format("{:.4g}", value));
    }
    table.add_row(std::move(cells));
  }
  return table.within(options.width, options.colored());
}

std::string agreement_table(const Agreement& agreement, const ShowOptions& options) {
  std::vector<Column> columns = {{"score", Align::left}};
  for (const Score* score : agreement.scores) columns.push_back({std::string(score->slug)});
  Table table(columns);
  for (size_t i = 0; i < agreement.scores.size(); ++i) {
    std::vector<std::string> cells = {std::string(agreement.scores[i]->slug)};
    for (const std::optional<double>& iou : agreement.iou[i]) cells.push_back(optional_number(iou, "{:.2f}"));
    table.add_row(std::move(cells));
  }
  return table.within(options.width, options.colored());
}

}  // namespace

std::string show_certainty(const StudySummary& s, const Certainty& certainty, const ShowOptions& options) {
  if (certainty.scores.empty())
    return wrap(
        "No intervals: they need a finished baseline of documents that can be measured, and interventions.",
        options.width);
  Table table({{"score", Align::left},
               {"can be off %"},
               {"95 % interval"},
               {"tested %"},
               {metric_noun(s.metric)},
               {"difference"},
               {"its 95 % interval"},
               {"lost/won"},
               {"McNemar p"},
               {"loss at most"},
               {"KL"},
               {"KL at most"}});
  for (size_t i = 0; i < s.scores.size(); ++i) {
    const bool best = s.best == i;
    table.add_row(certainty_cells(s, s.scores[i], certainty.scores[i]),
                  best ? Emphasis::strong : Emphasis::none);
  }
  std::string out = wrap(fmt::format("How sure that is{}:",
                                     certainty.baseline ? fmt::format(" (with all heads on {} %)",
                                                                      interval_text(certainty.baseline, 100))
                                                        : ""),
                         options.width);
  out += "\n" + table.within(options.width, options.colored());
  return out + "\n" +
         wrap(fmt::format(
                  "can be off: the largest inactive share with its bootstrap interval over "
                  "documents; tested: the run with most "
                  "heads off that stayed within, its {} (Wilson's interval), its difference to all "
                  "heads on over the same "
                  "documents in points, the documents right only with all heads on / only with heads "
                  "off, and how likely "
                  "so uneven a split is by chance; loss at most, KL at most: what other questions like these "
                  "can "
                  "lose in points, and their mean KL divergence in nats, with {:g} % confidence for all "
                  "interventions together. 1,000 draws, seed 1234.",
                  metric_noun(s.metric), 100 * s.terms.confidence),
              options.width);
}

std::string show_profile(const StudySummary& s, const HeadProfiles& profiles,
                         const std::optional<Agreement>& agreement, const ShowOptions& options) {
  std::string out = attention_text(s, profiles, options.width);
  if (profiles.kv) out += kv_text(s, *profiles.kv, options.width);
  const CurveEntry* point = best_point(s);
  out += "\n" + wrap("Means over the heads of a layer and all samples, with all heads on" +
                         (point ? fmt::format("; off: under {}", share_name(point->score->slug, point->share))
                                : "") +
                         ":",
                     options.width);
  out += "\n" + layer_table(s, profiles, options);
  if (!agreement) return out;
  out += "\n" + wrap(fmt::format("How much the scores agree at a share of {} %: heads off under both over "
                                 "heads off under at least "
                                 "one, of the same sample:",
                                 percent_text(agreement->share)),
                     options.width);
  return out + "\n" + agreement_table(*agreement, options);
}

}  // namespace idleheads
