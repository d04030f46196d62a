// Static masks beside the heads that are off input by input, as `idleheads show` prints them.
#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "idleheads/report/show.h"
#include "report/terminal/show_text.h"
#include "report/terminal/table.h"
#include "report/terminal/text.h"

namespace idleheads {
namespace {

// The shares of the inputs in which heads of static masks were off, the smallest first.
std::set<double> shares_of_inputs(const StudySummary& s) {
  std::set<double> shares;
  for (const ScoreSummary& score : s.scores) {
    for (const CurveEntry& point : score.static_points) shares.insert(point.at_least.value());
  }
  return shares;
}

// "17.5 %, 64.5 %": heads off, and the metric.
std::string cell_of(const StudySummary& s, const CurveEntry* point) {
  if (!point) return "-";
  const std::string value = plain_value_text(s.metric, value_of(point->values, s.metric).value);
  return fmt::format("{:.1f} %, {}", point->percent_off, value);
}

}  // namespace

std::string inputs_text(double at_least) {
  return at_least >= 1 ? "always" : fmt::format("{} % of the inputs", percent_text(at_least));
}

std::string show_static(const StudySummary& s, const ShowOptions& options) {
  const std::set<double> shares = shares_of_inputs(s);
  if (shares.empty()) return "";
  std::vector<Column> columns = {{"score", Align::left}, {"per input"}};
  for (const double share : shares) columns.push_back({inputs_text(share)});
  Table table(columns);
  for (const size_t i : score_ranking(s)) {
    const ScoreSummary& score = s.scores[i];
    if (score.static_points.empty()) continue;
    std::vector<std::string> cells = {std::string(score.score->slug),
                                      cell_of(s, score.proven ? &score.points[*score.proven] : nullptr)};
    for (const double share : shares) cells.push_back(cell_of(s, largest_static(s, score, share)));
    table.add_row(cells);
  }
  std::string out = "\n" + wrap(
                               "Off for good: the heads that a score had off in so many of the inputs were "
                               "switched off for all inputs.",
                               options.width);
  out += "\n" + table.within(options.width, options.colored()) + "\n";
  return out +
         wrap(fmt::format("Heads off, and {} then: of each kind the tested one with most heads off that "
                          "stays within {}. The masks were made on the same inputs; `idleheads mask F.db "
                          "MODEL --task T` proves one on others.",
                          metric_noun(s.metric), tolerance_text(s)),
              options.width);
}

}  // namespace idleheads
