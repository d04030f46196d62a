#include "report/numbers/study_tables.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <initializer_list>
#include <iterator>

#include "analysis/exact_match.h"
#include "idleheads/report/export.h"
#include "idleheads/studyfile/answers.h"
#include "report/numbers/certainty.h"
#include "report/numbers/head_profile.h"

namespace idleheads {
namespace {

std::vector<const Score*> stored_scores() {
  std::vector<const Score*> scores;
  for (const Score& score : all_scores()) {
    if (!score.is_random) scores.push_back(&score);
  }
  return scores;
}

// The numbers of one sample: a line a head.
void write_sample(RecordWriter& out, int64_t document, size_t sample, const SampleStats& stats,
                  const std::vector<const Score*>& scores) {
  const auto heads = static_cast<size_t>(stats.heads);
  std::vector<std::vector<float>> values(scores.size(), std::vector<float>(heads));
  for (int l = 0; l < stats.layers; ++l) {
    for (size_t s = 0; s < scores.size(); ++s) compute_scores(*scores[s], stats.layer(l), l, {}, values[s]);
    for (size_t h = 0; h < heads; ++h) {
      if (is_absent(stats.layer(l)[h])) continue;
      out.cell(document).cell(sample).cell(l).cell(h);
      for (const float value : stats.layer(l)[h]) out.cell(value);
      for (size_t s = 0; s < scores.size(); ++s) out.cell(values[s][h]);
      out.end_line();
    }
  }
}

// The names of a metric's value and of its standard error.
std::array<std::string, 2> columns_of(Metric metric) {
  if (metric == Metric::acc) return {"accuracy", "stderr"};
  if (metric == Metric::acc_norm) return {"accuracy_norm", "stderr_norm"};
  std::string name = metric_name(metric);
  std::ranges::replace_if(
      name, [](char c) { return c == ',' || c == '-'; }, '_');
  return {name, name + "_stderr"};
}

std::vector<std::string> with_metrics(std::vector<std::string> columns, const StudySummary& summary) {
  for (const Metric metric : summary.metrics) {
    for (std::string& name : columns_of(metric)) columns.push_back(std::move(name));
  }
  return columns;
}

std::vector<std::string> joined(std::vector<std::string> columns, std::vector<std::string> more) {
  std::ranges::move(more, std::back_inserter(columns));
  return columns;
}

void write_values(RecordWriter& out, const StudySummary& summary, const MetricValues& values) {
  out.cell(value_of(values, summary.metric).n);
  for (const Metric metric : summary.metrics) {
    const MetricValue value = value_of(values, metric);
    value.n > 0 ? out.cell(value.value) : out.empty();
    value.error ? out.cell(*value.error) : out.empty();
  }
}

void empty_cells(RecordWriter& out, int count) {
  for (int i = 0; i < count; ++i) out.empty();
}

void write_interval(RecordWriter& out, const std::optional<Interval>& interval) {
  if (!interval) return empty_cells(out, 2);
  out.cell(interval->low).cell(interval->high);
}

void optional_cell(RecordWriter& out, const std::optional<double>& value) {
  value&& std::isfinite(*value) ? out.cell(*value) : out.empty();
}

// `certainty` is none where there is no finished baseline.
void write_certainty(RecordWriter& out, const PointCertainty* certainty) {
  if (!certainty) return empty_cells(out, 6);
  write_interval(out, certainty->accuracy);
  out.cell(certainty->difference.points);
  write_interval(out, certainty->difference.interval);
  optional_cell(out, certainty->mcnemar);
}

// "log_likelihood" to "log_likelihood_mean", "..._low", "..._high", "..._p5", "..._median", "..._p95".
constexpr std::array<const char*, 6> kSpreadColumns = {"mean", "low", "high", "p5", "median", "p95"};

void write_spread(RecordWriter& out, const std::optional<ChangeSpread>& spread) {
  if (!spread) return empty_cells(out, kSpreadColumns.size());
  optional_cell(out, spread->mean);
  write_interval(out, spread->interval);
  for (const double value : {spread->low, spread->median, spread->high}) optional_cell(out, value);
}

constexpr std::array<const char*, 5> kChangeColumns = {"changed", "lost", "won", "loss_bound", "kl_bound"};
constexpr std::array<const char*, 3> kChangeSpreads = {"log_likelihood_change", "probability_change", "kl"};

void write_changes(RecordWriter& out, const StudySummary& summary, const AnswerChanges& changes) {
  if (metric_info(summary.metric).is_share)
    out.cell(changes.changed).cell(changes.lost).cell(changes.won);
  else
    empty_cells(out, 3);
  optional_cell(out, changes.loss_bound);
  optional_cell(out, changes.kl_bound);
  write_spread(out, changes.log_likelihood);
  write_spread(out, changes.probability);
  write_spread(out, changes.kl);
}

std::vector<std::string> change_columns() {
  std::vector<std::string> out(kChangeColumns.begin(), kChangeColumns.end());
  for (const char* name : kChangeSpreads) {
    for (const char* column : kSpreadColumns) out.push_back(fmt::format("{}_{}", name, column));
  }
  return out;
}

std::vector<std::string> certainty_columns() {
  return joined(
      {"interval_low", "interval_high", "difference", "difference_low", "difference_high", "mcnemar_p"},
      change_columns());
}

// One score's heads: mean and spread over samples (none for random) and how often each was off at
// its chosen point.
void write_score_heads(RecordWriter& out, const StudySummary& summary, const Score& score,
                       const std::vector<Spread>* spread) {
  const ScoreSummary* results = find_tested(summary, score);
  const CurveEntry* point = results ? chosen_point(*results) : nullptr;
  const bool counted = point && point->frequency.passes > 0;
  for (int l = 0; l < summary.layers; ++l) {
    for (int h = 0; h < summary.heads; ++h) {
      if (!summary.shape.has({l, h})) continue;
      out.cell(l).cell(h).cell(score.slug);
      if (spread) {
        const Spread& head =
            (*spread)[static_cast<size_t>(l) * static_cast<size_t>(summary.heads) + static_cast<size_t>(h)];
        out.cell(head.mean).cell(head.deviation).cell(head.group_deviation);
      } else {
        empty_cells(out, 3);
      }
      point ? out.cell(point->share) : out.empty();
      counted ? out.cell(point->frequency.share({l, h})) : out.empty();
      out.end_line();
    }
  }
}

// What kinds of documents a study has decides the columns.
struct Kinds {
  bool choices = false, answers = false, texts = false, excerpts = false;

  std::vector<std::string> columns() const {
    std::vector<std::string> names = {"document", "group",   "category", "index",    "choices",
                                      "gold",     "samples", "tokens",   "truncated"};
    const auto add = [&](bool there, std::initializer_list<const char*> more) {
      if (there) names.insert(names.end(), more.begin(), more.end());
    };
    add(choices, {"prediction", "correct", "prediction_norm", "correct_norm"});
    add(answers,
        {"response", "prediction_strict", "correct_strict", "prediction_flexible", "correct_flexible"});
    add(texts, {"words", "bytes", "log_likelihood"});
    add(excerpts, {"excerpt"});
    return names;
  }
};

Kinds kinds_of(const StudySummary& summary) {
  Kinds kinds;
  kinds.excerpts = !summary.excerpts.empty();
  for (const StoredDocument& document : summary.documents) {
    kinds.choices = kinds.choices || !document.choice_lengths.empty();
    kinds.answers = kinds.answers || document.reference;
    kinds.texts = kinds.texts || document.is_text();
  }
  return kinds;
}

void write_choice(RecordWriter& out, const StoredDocument& document, const StoredResult* result) {
  if (!result || document.choice_lengths.empty()) return empty_cells(out, 4);
  const Outcome outcome = outcome_of(document, result->log_likelihoods);
  out.cell(outcome.choice).cell(outcome.correct);
  out.cell(outcome.choice_norm).cell(outcome.correct_norm);
}

void write_answer(RecordWriter& out, const StoredDocument& document, const StoredResult* result) {
  if (!result || !document.reference) return empty_cells(out, 5);
  out.cell(result->response);
  for (const std::string& prediction : {strict_match(result->response), flexible_extract(result->response)})
    out.cell(prediction).cell(exact_match(prediction, *document.reference));
}

void write_text(RecordWriter& out, const StoredDocument& document, const StoredResult* result) {
  if (!document.is_text()) return empty_cells(out, 3);
  out.cell(document.words).cell(document.bytes);
  result ? out.cell(result->log_likelihoods[0]) : out.empty();
}

void write_document(RecordWriter& out, size_t number, const StudySummary& summary, const StoredResult* result,
                    const Kinds& kinds) {
  const StoredDocument& document = summary.documents[number];
  out.cell(number).cell(document.group).cell(document.category).cell(document.index);
  out.cell(document.choice_lengths.size());
  document.choice_lengths.empty() ? out.empty() : out.cell(document.gold);
  out.cell(document.samples).cell(document.tokens).cell(document.truncated);
  if (kinds.choices) write_choice(out, document, result);
  if (kinds.answers) write_answer(out, document, result);
  if (kinds.texts) write_text(out, document, result);
  if (kinds.excerpts) out.cell(summary.excerpts[number]);
  out.end_line();
}

void write_documents(RecordWriter& out, const StudySummary& summary,
                     const std::vector<StoredResult>& baseline, const Kinds& kinds) {
  auto next = baseline.begin();
  for (size_t d = 0; d < summary.documents.size(); ++d) {
    const bool done = next != baseline.end() && next->document == static_cast<int64_t>(d);
    write_document(out, d, summary, done ? &*next++ : nullptr, kinds);
  }
}

void write_curve(RecordWriter& out, const StudySummary& summary, const ScoreSummary& score,
                 const ScoreCertainty* certainty) {
  for (size_t p = 0; p < score.points.size(); ++p) {
    const CurveEntry& point = score.points[p];
    out.cell(score.score->slug).cell(point.share).cell(point.threshold).cell(point.percent_off);
    write_values(out, summary, point.values);
    write_certainty(out, certainty ? &certainty->points[p] : nullptr);
    write_changes(out, summary, point.changes);
    out.end_line();
  }
}

void write_share(RecordWriter& out, const ScoreSummary& score, const ScoreCertainty* certainty) {
  out.cell(score.score->slug).cell(score.sure_percent());
  optional_cell(out, score.inactive_percent);
  write_interval(out, certainty ? certainty->inactive_percent : std::nullopt);
  optional_cell(out, score.first_crossing);
  optional_cell(out, score.auc);
  out.end_line();
}

// None where there is no finished baseline.
const ScoreCertainty* certainty_of_score(const Certainty& certainty, size_t score) {
  return certainty.scores.empty() ? nullptr : &certainty.scores[score];
}

void write_static_point(RecordWriter& out, const StudySummary& summary, const CurveEntry& point) {
  out.cell(point.score->slug)
      .cell(point.share)
      .cell(*point.at_least)
      .cell(point.rule)
      .cell(point.percent_off);
  write_values(out, summary, point.values);
  write_changes(out, summary, point.changes);
  out.end_line();
}

void write_decision(RecordWriter& out, const DecidedPoint& point) {
  const Decision& decision = point.decision;
  out.cell(point.entry.score->slug).cell(point.entry.share).cell(point.generation);
  out.cell(name_of(decision.verdict)).cell(decision.exact).cell(decision.documents);
  out.cell(point.entry.percent_off);
  decision.documents > 0 ? out.cell(100 * decision.estimate) : out.empty();
  out.cell(100 * decision.bounds.low).cell(100 * decision.bounds.high);
  out.end_line();
}

}  // namespace

RecordTable documents_table(const StudySummary& summary, const std::vector<StoredResult>& baseline) {
  const Kinds kinds = kinds_of(summary);
  return {kinds.columns(), [&, kinds](RecordWriter& out) { write_documents(out, summary, baseline, kinds); }};
}

RecordTable curves_table(const StudySummary& summary, const Certainty& certainty) {
  const std::vector<std::string> more = certainty_columns();
  const auto without_interval = static_cast<int>(more.size()) - 2;
  return {joined(with_metrics({"score", "share", "threshold", "percent_zeroed", "questions"}, summary), more),
          [&, without_interval](RecordWriter& out) {
            write_values(out.cell("baseline").empty().empty().cell(0.), summary, summary.baseline);
            write_interval(out, certainty.baseline);
            empty_cells(out, without_interval);
            out.end_line();
            for (size_t s = 0; s < summary.scores.size(); ++s)
              write_curve(out, summary, summary.scores[s], certainty_of_score(certainty, s));
          }};
}

RecordTable shares_table(const StudySummary& summary, const Certainty& certainty) {
  return {{"score", "sure_percent", "largest_inactive_percent", "interval_low", "interval_high",
           "first_crossing_percent", "normalized_auc"},
          [&](RecordWriter& out) {
            for (size_t s = 0; s < summary.scores.size(); ++s)
              write_share(out, summary.scores[s], certainty_of_score(certainty, s));
          }};
}

RecordTable heads_table(const StudySummary& summary, const HeadProfiles& profiles) {
  return {{"layer", "head", "score", "mean", "deviation", "subject_deviation", "share", "frequency_off"},
          [&](RecordWriter& out) {
            for (const ScoreProfile& profile : profiles.scores)
              write_score_heads(out, summary, *profile.score, &profile.heads);
            for (const ScoreSummary& score : summary.scores) {
              if (score.score->is_random) write_score_heads(out, summary, *score.score, nullptr);
            }
          }};
}

RecordTable scores_table(const std::vector<StoredResult>& baseline) {
  std::vector<std::string> columns = {"document", "sample", "layer", "head"};
  for (int i = 0; i < kStats; ++i) columns.emplace_back(stat_name(static_cast<Stat>(i)));
  const std::vector<const Score*> scores = stored_scores();
  for (const Score* score : scores) columns.emplace_back(score->slug);
  return {std::move(columns), [&, scores](RecordWriter& out) {
            for (const StoredResult& result : baseline) {
              for (size_t s = 0; s < result.stats.size(); ++s)
                write_sample(out, result.document, s, result.stats[s], scores);
            }
          }};
}

RecordTable static_table(const StudySummary& summary) {
  return {
      joined(with_metrics({"score", "share", "at_least", "heads", "percent_zeroed", "questions"}, summary),
             change_columns()),
      [&](RecordWriter& out) {
        for (const ScoreSummary& score : summary.scores) {
          for (const CurveEntry& point : score.static_points) write_static_point(out, summary, point);
        }
      }};
}

RecordTable decisions_table(const DecisionSummary& decisions) {
  return {{"score", "share", "generation", "decision", "exact", "questions", "percent_off", "loss",
           "loss_low", "loss_high"},
          [&](RecordWriter& out) {
            for (const DecidedPoint& point : decisions.points) write_decision(out, point);
          }};
}

RecordTable subjects_table(const StudySummary& summary) {
  return {with_metrics({"name", "depth", "questions"}, summary), [&](RecordWriter& out) {
            for (const SubjectRow& row : summary.subjects) {
              write_values(out.cell(row.name).cell(row.depth), summary, row.values);
              out.end_line();
            }
          }};
}

bool has_static_masks(const StudySummary& summary) {
  return std::ranges::any_of(summary.scores,
                             [](const ScoreSummary& score) { return !score.static_points.empty(); });
}

}  // namespace idleheads
