#include "report/terminal/show_decisions.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <tuple>

#include "base/fail.h"
#include "report/numbers/decided.h"
#include "report/terminal/show_text.h"
#include "report/terminal/table.h"

namespace idleheads {
namespace {

// Small numbers of percent with a digit more.
std::string part_text(int64_t part, int64_t whole) {
  const double percent = whole > 0 ? 100 * static_cast<double>(part) / static_cast<double>(whole) : 0;
  return fmt::format("{:.{}f} %", percent, percent < 10 ? 1 : 0);
}

std::string share_text(const std::optional<double>& percent) {
  return percent ? fmt::format("{:.10g} %", *percent) : "-";
}

// The point of the largest share that holds.
const DecidedPoint* holding(const DecisionSummary& decisions, const DecisionSummary::OfScore& score) {
  const DecidedPoint* found = nullptr;
  for (const DecidedPoint* point : points_of_score(decisions, *score.score)) {
    if (point->decision.verdict == Verdict::holds) found = point;
  }
  return found;
}

std::vector<const DecisionSummary::OfScore*> ranked(const DecisionSummary& decisions) {
  std::vector<const DecisionSummary::OfScore*> out;
  for (const DecisionSummary::OfScore& score : decisions.scores) out.push_back(&score);
  std::ranges::stable_sort(out, std::greater(), [](const DecisionSummary::OfScore* score) {
    return std::tuple(score->share.holds.value_or(-1), score->share.interpolated.value_or(-1));
  });
  return out;
}

std::vector<std::string> cells_of(const StudySummary& s, const DecisionSummary::OfScore& score, bool best) {
  int64_t asked = 0;
  const std::vector<const DecidedPoint*> points = points_of_score(*s.decisions, *score.score);
  for (const DecidedPoint* point : points) asked += point->decision.documents;
  std::vector<std::string> open;
  for (const double percent : score.share.open) open.push_back(fmt::format("{:.10g}", percent));
  const DecidedPoint* holds = holding(*s.decisions, score);
  const std::optional<double> crossing = score.share.interpolated;
  return {best ? "*" : "",
          std::string(score.score->slug),
          std::string(shown_name(*score.score)),
          share_text(score.share.holds),
          holds ? fmt::format("{:.1f} %", holds->entry.percent_off) : "-",
          open.empty() ? "-" : fmt::format("{} %", fmt::join(open, ", ")),
          share_text(score.share.fails),
          crossing ? fmt::format("{:.1f} %", *crossing) : "-",
          part_text(asked, s.questions * std::ssize(points))};
}

bool is_best(const DecisionSummary& decisions, const DecisionSummary::OfScore& score) {
  return decisions.best && *decisions.points[*decisions.best].entry.score == *score.score;
}

std::string decisions_conclusion(const StudySummary& s, const ShowOptions& options) {
  const DecisionSummary& decisions = *s.decisions;
  std::vector<std::string> sentences;
  for (const DecisionSummary::OfScore& score : decisions.scores) {
    const std::string text = text_of(score.share);
    if (is_best(decisions, score)) {
      sentences.insert(sentences.begin(),
                       fmt::format("Best: {} ({}) {}", score.score->slug, score.score->paper_name, text));
    } else if (score.score->slug == "awft") {
      sentences.push_back("The usual test, attention to the first token (awft), " + text);
    } else if (score.score->is_random) {
      sentences.push_back("Heads drawn at random: " + text);
    }
  }
  if (!decisions.best) sentences.insert(sentences.begin(), "No score is known to have heads that can be off");
  return wrap(fmt::format("{}.", fmt::join(sentences, ". ")), options.width);
}

}  // namespace

std::string decisions_claim(const StudySummary& s, const ShowOptions& options) {
  const DecisionSummary& decisions = *s.decisions;
  const std::string all = fmt::format("all {} of {}", count_text(s.questions, "question"), printable(s.task));
  const std::string within = fmt::format("{:g} point{}", 100 * decisions.terms.tolerance,
                                         decisions.terms.tolerance == 0.01 ? "" : "s");
  const std::string sure = fmt::format("with {:g} % confidence for all {} interventions together",
                                       100 * decisions.terms.confidence, decisions.points.size());
  std::string text;
  if (decisions.stops) {
    text = fmt::format(
        "Decided for {}, {}: what loses no more than {}. {}. {} of all results were asked for it", all, sure,
        within, text_of(counts_of(decisions)), part_text(decisions.asked, decisions.pairs));
    text += decisions.left > 0 ? fmt::format("; at most {} more, to which the same command goes on.",
                                             part_text(decisions.left, decisions.pairs))
                               : "; the same command without --decide goes on to all of them.";
  } else {
    text = fmt::format(
        "Unfinished: {} of all results are there, and the same command goes on. This is what they say of {}, "
        "{}, "
        "whenever one looks: within {}, {}.",
        part_text(decisions.asked, decisions.pairs), all, sure, within, text_of(counts_of(decisions)));
  }
  return wrap(text, options.width);
}

std::string show_decisions(const StudySummary& s, const ShowOptions& options) {
  Table table({{"", Align::left},
               {"score", Align::left},
               {"name in the paper", Align::left},
               {"holds at"},
               {"off"},
               {"open at"},
               {"fails at"},
               {"crosses"},
               {"asked"}});
  for (const DecisionSummary::OfScore* score : ranked(*s.decisions)) {
    const bool best = is_best(*s.decisions, *score);
    table.add_row(cells_of(s, *score, best), best                      ? Emphasis::strong
                                             : score->score->is_random ? Emphasis::faint
                                                                       : Emphasis::none);
  }
  if (table.width() > options.width) table.remove_column(2);  // the slug says the same
  const std::string out = "\n" + table.within(options.width, options.colored()) + "\n";
  return out +
         wrap(
             "holds at: the largest share of heads that loses no more than that; off: how many are off "
             "there, over "
             "the questions asked; fails at: the smallest larger share that loses more; open at: shares "
             "between, not "
             "known yet; crosses: where the estimates, with a line between them, do; asked: the part of the "
             "score's "
             "questions that it took; -: none. --curves shows every estimate with its interval.",
             options.width) +
         "\n" + decisions_conclusion(s, options);
}

std::string show_losses(const StudySummary& s, const ShowOptions& options) {
  Table table({{"score", Align::left},
               {"share"},
               {"off"},
               {"decision", Align::left},
               {"questions"},
               {"loses"},
               {"at least"},
               {"at most"}});
  const auto points_text = [](double share) { return fmt::format("{:.1f}", 100 * share + 0.); };
  for (const DecisionSummary::OfScore& score : s.decisions->scores) {
    for (const DecidedPoint* point : points_of_score(*s.decisions, *score.score)) {
      const Decision& d = point->decision;
      const bool asked = d.documents > 0;
      table.add_row(
          {std::string(score.score->slug), percent_text(point->entry.share) + " %",
           asked ? fmt::format("{:.1f} %", point->entry.percent_off) : "-", std::string(name_of(d.verdict)),
           fmt::format("{}", d.documents), asked ? points_text(d.estimate) : "-", points_text(d.bounds.low),
           points_text(d.bounds.high)},
          score.score->is_random ? Emphasis::faint : Emphasis::none);
    }
  }
  return table.within(options.width, options.colored()) + "\n" +
         wrap(
             "questions: of the rounds that are complete; loses: points of right answers on these; at least, "
             "at "
             "most: what it loses on all questions.",
             options.width);
}

}  // namespace idleheads
