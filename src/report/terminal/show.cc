#include "idleheads/report/show.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "base/fail.h"
#include "report/numbers/decided.h"
#include "report/terminal/show_decisions.h"
#include "report/terminal/show_text.h"
#include "report/terminal/table.h"
#include "report/terminal/text.h"

namespace idleheads {
namespace {

constexpr size_t kMissingShown = 8;

std::string setting(const StudySummary& summary, const std::string& name, const std::string& otherwise) {
  const auto found = summary.settings.find(name);
  return printable(found == summary.settings.end() || found->second.empty() ? otherwise : found->second, 100);
}

bool is_share(const StudySummary& s) { return metric_info(s.metric).is_share; }

// What the metric is measured on.
const char* measured_noun(const StudySummary& s) { return is_share(s) ? "question" : "text"; }

std::string baseline_text(const StudySummary& s) {
  const MetricValue baseline = s.baseline_value();
  if (baseline.n == 0) return is_share(s) ? "None is answered yet." : "None is read yet.";
  const std::string value = value_text(s.metric, baseline);
  if (!is_share(s)) return fmt::format("With all heads on the {} is {}.", metric_noun(s.metric), value);
  std::string how;
  if (s.metric == Metric::acc_norm) how = "by log-likelihood per character; ";
  if (s.generates) how = fmt::format("{}; ", metric_name(s.metric));
  if (s.chance > 0) how += fmt::format("guessing: {:.1f} %; ", 100 * s.chance);
  if (how.ends_with("; ")) how.resize(how.size() - 2);
  return fmt::format("With all heads on the model gets {} right{}.", value,
                     how.empty() ? "" : " (" + how + ")");
}

std::string shape_text(const HeadShape& shape) {
  if (shape.is_whole())
    return fmt::format("{} layers x {} query heads = {} attention heads", shape.layers(), shape.heads(),
                       shape.count());
  return fmt::format("{} attention heads; {} of the {} layers x {} query heads were cut from it",
                     shape.count(), shape.absent().size(), shape.layers(), shape.heads());
}

std::string intro(const StudySummary& s, const ShowOptions& options) {
  std::string out = wrap(
      fmt::format("Model {} ({}, {}): {}.", s.model.empty() ? "of unknown name" : printable(s.model, 200),
                  setting(s, "model.family", "unknown family"), setting(s, "dtype", "unknown dtype"),
                  shape_text(s.shape)),
      options.width);
  const std::string task = printable(s.task.empty() ? "of unknown name" : s.task, 200);
  if (s.questions == 0) {
    return out +
           wrap(fmt::format("Task {}: {}, no questions to answer.", task, count_text(s.samples, "text")),
                options.width);
  }
  return out + wrap(fmt::format("Task {}, {} shots: {}. {}", task, setting(s, "task.shots", "0"),
                                count_text(s.questions, measured_noun(s)), baseline_text(s)),
                    options.width);
}

// A model that guesses, or that has nothing right where it writes, loses nothing, whatever is switched off.
std::string guessing_warning(const StudySummary& s, const ShowOptions& options) {
  if (s.score_only() || !s.only_guesses()) return "";
  const std::string text = fmt::format(
      "Beware: that is {} (less than two standard errors above), so there is little accuracy to lose, "
      "and what follows proves nothing about these heads. Take questions that the model can answer, "
      "or more of them.",
      s.chance == 0 ? "not surely more than none" : "no better than guessing");
  return "\n" + emphasize_lines(wrap(text, options.width), options);
}

std::string missing(const StudySummary& s, const ShowOptions& options) {
  if (s.missing.empty()) return "";
  std::string line = "Unfinished: ";
  for (size_t i = 0; i < std::min(kMissingShown, s.missing.size()); ++i) {
    const MissingPart& part = s.missing[i];
    line +=
        fmt::format("{}{} has {} of {} documents", i == 0 ? "" : ", ", part.name, part.done, part.documents);
  }
  if (s.missing.size() > kMissingShown)
    line += fmt::format(", and {} more lack results", s.missing.size() - kMissingShown);
  line += ". The same command goes on where it stopped; what follows is preliminary.";
  return "\n" + emphasize_lines(wrap(line, options.width), options);
}

bool anything_sure(const StudySummary& s) {
  for (size_t i = 0; i < s.scores.size(); ++i) {
    if (s.is_sure(i)) return true;
  }
  return false;
}

std::string allowed_text(const StudySummary& s) {
  if (s.terms.within_kl) return fmt::format("a mean KL divergence of {:g} nats", *s.terms.within_kl);
  return tolerance_text(s);
}

std::string sure_text(const StudySummary& s) {
  if (s.terms.within_kl) return "the answers change by no more than " + allowed_text(s);
  return fmt::format("no more than {} is lost", allowed_text(s));
}

// What may be said of other questions than these: the first thing to read.
std::string claim(const StudySummary& s, const ShowOptions& options) {
  if (s.score_only() || s.questions == 0) return "";
  const std::string others = fmt::format("other {}s like these", measured_noun(s));
  if (anything_sure(s)) {
    return wrap(
        fmt::format("Sure for {}, with {:g} % confidence for all scores together: up to the shares under "
                    "\"sure\" {}.",
                    others, 100 * s.terms.confidence, sure_text(s)),
        options.width);
  }
  const bool one = s.questions == 1;
  const std::string these = count_text(s.questions, measured_noun(s));
  std::string line = fmt::format("Nothing is sure for {}: ", others);
  if (is_share(s) && !s.terms.within_kl && s.questions < s.fewest_questions()) {
    line += fmt::format(
        "{} {} too few. To bound the loss by {} for {} together takes {} questions where no answer "
        "changes. ",
        these, one ? "is" : "are", allowed_text(s),
        count_text(static_cast<int64_t>(s.scores.size()), "score"), s.fewest_questions());
  } else {
    line += fmt::format("no tested share is within {} with {:g} % confidence. ", allowed_text(s),
                        100 * s.terms.confidence);
  }
  return wrap(line + fmt::format("What follows holds for {} {}.", one ? "this" : "these", these),
              options.width);
}

std::vector<std::string> score_cells(const StudySummary& s, const ScoreSummary& score, bool best) {
  std::string off = "-", heads = "-", at = "-", value = "-", changed = "-";
  if (score.inactive_percent) {
    off = fmt::format("{:.1f} %", *score.inactive_percent);
    if (score.dips()) off = fmt::format("({:.1f}) ", *score.first_crossing) + off;
    heads = heads_text(*score.inactive_percent, s.head_count());
  }
  if (score.proven) {
    const CurveEntry& point = score.points[*score.proven];
    at = fmt::format("{:.1f} %", point.percent_off);
    value = plain_value_text(s.metric, value_of(point.values, s.metric).value);
    if (is_share(s)) changed = std::to_string(point.changes.changed);
  }
  std::string slug(score.score->slug);
  if (static_cast<int64_t>(score.points.size()) < score.planned) {
    slug += fmt::format(" [{}/{}]", score.points.size(), score.planned);
  }
  const std::string name(shown_name(*score.score));
  const std::string sure = score.sure_percent() > 0 ? fmt::format("{:.1f} %", score.sure_percent()) : "-";
  const std::string area = score.auc ? fmt::format("{:.1f}", *score.auc) : "-";
  return {best ? "*" : "", slug, name, sure, off, heads, at, value, changed, area};
}

std::string score_table(const StudySummary& s, const ShowOptions& options) {
  Table table({{"", Align::left},
               {"score", Align::left},
               {"name in the paper", Align::left},
               {"sure"},
               {"can be off"},
               {"heads"},
               {"tested"},
               {metric_noun(s.metric)},
               {"changed"},
               {"area"}});
  for (const size_t i : score_ranking(s)) {
    const bool best = s.best == i && s.is_sure(i);
    const Emphasis emphasis = s.scores[i].score->is_random ? Emphasis::faint : Emphasis::none;
    table.add_row(score_cells(s, s.scores[i], best), best ? Emphasis::strong : emphasis);
  }
  if (table.width() > options.width) table.remove_column(2);  // the slug says the same
  return table.within(options.width, options.colored());
}

std::string scores_part(const StudySummary& s, const ShowOptions& options) {
  std::string out =
      "\n" +
      wrap(fmt::format("Each score takes some heads for inactive. They were switched off (their "
                       "{}) and the {}. The more heads can be off without harm, the better the "
                       "score knows which ones do nothing:",
                       ablates_by_means(s.settings) ? "mean output in its place" : "output set to zero",
                       is_share(s) ? "questions asked again" : "texts read again"),
           options.width);
  out += "\n" + score_table(s, options) + "\n";
  const std::string noun = metric_noun(s.metric);
  const std::string line =
      is_share(s) ? fmt::format("{} within {} of all heads on", noun, tolerance_text(s))
                  : fmt::format("{} at most {} above that with all heads on", noun, tolerance_text(s));
  const std::string area = is_share(s) ? noun + " in percent" : "of -100 ln(perplexity)";
  out += wrap(
      fmt::format(
          "sure: the largest tested share up to which for other {}s like these {}; can be off: on these {}s, "
          "the largest share of heads with {}, where the curve over the tested shares last crosses that line "
          "(in brackets: where it first does, if it dips); heads: that many of all; tested: the run with "
          "most "
          "heads off that stayed within, its {} and how many answers it changed; area: mean {} over the "
          "shares tested; -: none. What each score measures: idleheads info --scores.",
          measured_noun(s), sure_text(s), measured_noun(s), line, noun, area),
      options.width);
  return out;
}

std::string conclusion(const StudySummary& s, const ShowOptions& options) {
  if (!s.best) {
    if (s.baseline_value().n == 0 || s.questions == 0) return "";
    if (!s.missing.empty()) return "\n" + wrap("Not tested yet: how many heads can be off.", options.width);
    return "\n" + wrap(fmt::format("No score found heads that can be off within 1 {}.",
                                   is_share(s) ? "point" : "% of perplexity"),
                       options.width);
  }
  const bool sure = s.is_sure(*s.best);
  const auto off = [&](const ScoreSummary& score) {
    return sure ? score.sure_percent() : score.inactive_percent.value_or(0);
  };
  const ScoreSummary& best = s.scores[*s.best];
  std::string line =
      fmt::format("{}: {} ({}). {:.1f} % of the heads, {}, can be off at a time{}",
                  sure ? "Best" : "Most on these " + std::string(measured_noun(s)) + "s", best.score->slug,
                  best.score->paper_name, off(best), heads_text(off(best), s.head_count()),
                  sure ? fmt::format(" for sure (on these {}s {:.1f} %)", measured_noun(s),
                                     best.inactive_percent.value_or(0))
                       : "");
  for (const ScoreSummary& score : s.scores) {
    if (score.score->slug == "awft" && best.score->slug != "awft") {
      line += fmt::format("; by the usual test, attention to the first token (awft), {:.1f} %", off(score));
    }
    if (score.score->is_random) line += fmt::format("; of heads drawn at random {:.1f} %", off(score));
  }
  return "\n" + wrap(line + ".", options.width);
}

std::string precision_note(const StudySummary& s, const ShowOptions& options) {
  const MetricValue accuracy = s.baseline_value();
  if (accuracy.n == 0 || !is_share(s)) return "";
  std::string line =
      fmt::format("Note: with {} one point is {:.3g} {}", count_text(accuracy.n, "question"),
                  static_cast<double>(accuracy.n) / 100, accuracy.n == 100 ? "question" : "questions");
  if (accuracy.error) {
    line += fmt::format(
        ", and the baseline's standard error is {:.1f} points: differences of that size may be chance",
        100 * *accuracy.error);
  }
  return "\n" + emphasize_lines(wrap(line + ".", options.width), options);
}

std::string work_note(const StudySummary& s, const ShowOptions& options) {
  if (s.work.rows <= 0) return "";
  std::string text = fmt::format("Work: {:.3g} million rows (tokens x layers) computed", s.work.rows / 1e6);
  const auto unshared = static_cast<double>(s.work.rows_unshared);
  const std::string times = fmt::format("{:.1f}", unshared / s.work.rows);
  if (times != "1.0")
    text += fmt::format("; without sharing {:.3g} million, {} times as many", unshared / 1e6, times);
  return wrap(text + ".", options.width);
}

}  // namespace

namespace {

// The claim, the table of scores, the best one, and its heads.
std::string summary_part(const StudySummary& summary, const ShowOptions& options) {
  const bool decided = shows_decisions(summary);
  std::string out = (decided ? decisions_claim(summary, options) : claim(summary, options)) +
                    intro(summary, options) + guessing_warning(summary, options);
  if (decided) {
    out += show_decisions(summary, options);
  } else {
    out += missing(summary, options);
    if (summary.score_only()) return out + "\n" + show_distributions(summary, options);
    out += scores_part(summary, options) + conclusion(summary, options) + show_static(summary, options);
  }
  return out + (summary.named ? "\n" + show_heads(summary, options) : "");
}

std::string heads_part(const StudySummary& summary, const ShowOptions& options) {
  if (summary.named) return show_heads(summary, options);
  return wrap(summary.score_only()
                  ? "No head was switched off in this study: idleheads study does that."
                  : "No heads by name yet: no intervention has all its results, or none keeps the "
                    "metric.",
              options.width);
}

std::string curves_part(const StudySummary& summary, const ShowOptions& options) {
  if (shows_decisions(summary)) return show_losses(summary, options);
  if (summary.score_only()) return wrap("No curves: no head was switched off in this study.", options.width);
  return show_curves(summary, options);
}

}  // namespace

std::string show(const StudySummary& summary, const ShowOptions& options) {
  std::vector<std::string> parts;
  if (options.summary) parts.push_back(summary_part(summary, options));
  if (options.heads && !options.summary) parts.push_back(heads_part(summary, options));
  if (options.curves) parts.push_back(curves_part(summary, options));
  if (options.subjects) parts.push_back(show_subjects(summary, options));
  std::string map = options.heat_map;
  const bool has_map = options.summary && summary.score_only() && summary.baseline_done > 0;
  if (map.empty() && has_map) map = "ahon_ln";
  if (!map.empty()) parts.push_back(render(heat_map(summary, map), options.color, options.width));
  std::string out = fmt::format("{}", fmt::join(parts, "\n"));
  if (options.summary) out += precision_note(summary, options) + work_note(summary, options);
  return out;
}

}  // namespace idleheads
