#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <initializer_list>

#include "analysis/exact_match.h"
#include "idleheads/base/error.h"
#include "idleheads/report/export.h"
#include "idleheads/studyfile/answers.h"
#include "report/certainty.h"
#include "report/csv.h"
#include "report/head_profile.h"
#include "report/output_file.h"

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
void write_sample(CsvWriter& csv, int64_t document, size_t sample, const SampleStats& stats,
                  const std::vector<const Score*>& scores) {
  const auto heads = static_cast<size_t>(stats.heads);
  std::vector<std::vector<float>> values(scores.size(), std::vector<float>(heads));
  for (int l = 0; l < stats.layers; ++l) {
    for (size_t s = 0; s < scores.size(); ++s) compute_scores(*scores[s], stats.layer(l), l, {}, values[s]);
    for (size_t h = 0; h < heads; ++h) {
      if (is_absent(stats.layer(l)[h])) continue;
      csv.cell(document).cell(sample).cell(l).cell(h);
      for (const float value : stats.layer(l)[h]) csv.cell(value);
      for (size_t s = 0; s < scores.size(); ++s) csv.cell(values[s][h]);
      csv.end_line();
    }
  }
}

CsvWriter write_scores(const std::vector<StoredResult>& baseline, const std::filesystem::path& path) {
  std::vector<std::string> header = {"document", "sample", "layer", "head"};
  for (int i = 0; i < kStats; ++i) header.emplace_back(stat_name(static_cast<Stat>(i)));
  const std::vector<const Score*> scores = stored_scores();
  for (const Score* score : scores) header.emplace_back(score->slug);
  CsvWriter csv(path, header);
  for (const StoredResult& result : baseline) {
    for (size_t s = 0; s < result.stats.size(); ++s)
      write_sample(csv, result.document, s, result.stats[s], scores);
  }
  csv.prepare();
  return csv;
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

void write_values(CsvWriter& csv, const StudySummary& summary, const MetricValues& values) {
  csv.cell(value_of(values, summary.metric).n);
  for (const Metric metric : summary.metrics) {
    const MetricValue value = value_of(values, metric);
    value.n > 0 ? csv.cell(value.value) : csv.empty();
    value.error ? csv.cell(*value.error) : csv.empty();
  }
}

void empty_cells(CsvWriter& csv, int count) {
  for (int i = 0; i < count; ++i) csv.empty();
}

void write_interval(CsvWriter& csv, const std::optional<Interval>& interval) {
  if (!interval) return empty_cells(csv, 2);
  csv.cell(interval->low).cell(interval->high);
}

void optional_cell(CsvWriter& csv, const std::optional<double>& value) {
  value&& std::isfinite(*value) ? csv.cell(*value) : csv.empty();
}

// `certainty` is none where there is no finished baseline.
void write_certainty(CsvWriter& csv, const PointCertainty* certainty) {
  if (!certainty) return empty_cells(csv, 6);
  write_interval(csv, certainty->accuracy);
  csv.cell(certainty->difference.points);
  write_interval(csv, certainty->difference.interval);
  optional_cell(csv, certainty->mcnemar);
}

// "log_likelihood" to "log_likelihood_mean", "..._low", "..._high", "..._p5", "..._median", "..._p95".
constexpr std::array<const char*, 6> kSpreadColumns = {"mean", "low", "high", "p5", "median", "p95"};

void write_spread(CsvWriter& csv, const std::optional<ChangeSpread>& spread) {
  if (!spread) return empty_cells(csv, kSpreadColumns.size());
  optional_cell(csv, spread->mean);
  write_interval(csv, spread->interval);
  for (const double value : {spread->low, spread->median, spread->high}) optional_cell(csv, value);
}

constexpr std::array<const char*, 5> kChangeColumns = {"changed", "lost", "won", "loss_bound", "kl_bound"};
constexpr std::array<const char*, 3> kChangeSpreads = {"log_likelihood_change", "probability_change", "kl"};

void write_changes(CsvWriter& csv, const StudySummary& summary, const AnswerChanges& changes) {
  if (metric_info(summary.metric).is_share)
    csv.cell(changes.changed).cell(changes.lost).cell(changes.won);
  else
    empty_cells(csv, 3);
  optional_cell(csv, changes.loss_bound);
  optional_cell(csv, changes.kl_bound);
  write_spread(csv, changes.log_likelihood);
  write_spread(csv, changes.probability);
  write_spread(csv, changes.kl);
}

std::vector<std::string> change_columns() {
  std::vector<std::string> out(kChangeColumns.begin(), kChangeColumns.end());
  for (const char* name : kChangeSpreads) {
    for (const char* column : kSpreadColumns) out.push_back(fmt::format("{}_{}", name, column));
  }
  return out;
}

std::vector<std::string> certainty_columns() {
  std::vector<std::string> out = {"interval_low",   "interval_high",   "difference",
                                  "difference_low", "difference_high", "mcnemar_p"};
  for (std::string& name : change_columns()) out.push_back(std::move(name));
  return out;
}

CsvWriter write_curves(const StudySummary& summary, const Certainty& certainty,
                       const std::filesystem::path& path) {
  std::vector<std::string> header = {"score", "share", "threshold", "percent_zeroed", "questions"};
  for (const Metric metric : summary.metrics) {
    for (std::string& name : columns_of(metric)) header.push_back(std::move(name));
  }
  const std::vector<std::string> certainty_names = certainty_columns();
  header.insert(header.end(), certainty_names.begin(), certainty_names.end());
  CsvWriter csv(path, header);
  write_values(csv.cell("baseline").empty().empty().cell(0), summary, summary.baseline);
  write_interval(csv, certainty.baseline);
  empty_cells(csv, static_cast<int>(certainty_names.size()) - 2);
  csv.end_line();
  for (size_t s = 0; s < summary.scores.size(); ++s) {
    const ScoreSummary& score = summary.scores[s];
    for (size_t p = 0; p < score.points.size(); ++p) {
      const CurveEntry& point = score.points[p];
      csv.cell(score.score->slug).cell(point.share).cell(point.threshold).cell(point.percent_off);
      write_values(csv, summary, point.values);
      write_certainty(csv, certainty.scores.empty() ? nullptr : &certainty.scores[s].points[p]);
      write_changes(csv, summary, point.changes);
      csv.end_line();
    }
  }
  csv.prepare();
  return csv;
}

CsvWriter write_static(const StudySummary& summary, const std::filesystem::path& path) {
  std::vector<std::string> header = {"score", "share", "at_least", "heads", "percent_zeroed", "questions"};
  for (const Metric metric : summary.metrics) {
    for (std::string& name : columns_of(metric)) header.push_back(std::move(name));
  }
  const std::vector<std::string> changes = change_columns();
  header.insert(header.end(), changes.begin(), changes.end());
  CsvWriter csv(path, header);
  for (const ScoreSummary& score : summary.scores) {
    for (const CurveEntry& point : score.static_points) {
      csv.cell(score.score->slug).cell(point.share).cell(*point.at_least);
      csv.cell(point.rule).cell(point.percent_off);
      write_values(csv, summary, point.values);
      write_changes(csv, summary, point.changes);
      csv.end_line();
    }
  }
  csv.prepare();
  return csv;
}

bool has_static_masks(const StudySummary& summary) {
  return std::ranges::any_of(summary.scores,
                             [](const ScoreSummary& score) { return !score.static_points.empty(); });
}

CsvWriter write_shares(const StudySummary& summary, const Certainty& certainty,
                       const std::filesystem::path& path) {
  CsvWriter csv(path, {"score", "sure_percent", "largest_inactive_percent", "interval_low", "interval_high",
                       "first_crossing_percent", "normalized_auc"});
  for (size_t s = 0; s < summary.scores.size(); ++s) {
    const ScoreCertainty* sure = certainty.scores.empty() ? nullptr : &certainty.scores[s];
    csv.cell(summary.scores[s].score->slug);
    csv.cell(summary.scores[s].sure_percent());
    optional_cell(csv, summary.scores[s].inactive_percent);
    write_interval(csv, sure ? sure->inactive_percent : std::nullopt);
    optional_cell(csv, summary.scores[s].first_crossing);
    optional_cell(csv, summary.scores[s].auc);
    csv.end_line();
  }
  csv.prepare();
  return csv;
}

// One score's heads: mean and spread over samples (none for random) and how often each was off at
// its chosen point.
void write_score_heads(CsvWriter& csv, const StudySummary& summary, const Score& score,
                       const std::vector<Spread>* spread) {
  const ScoreSummary* results = find_tested(summary, score);
  const CurveEntry* point = results ? chosen_point(*results) : nullptr;
  const bool counted = point && point->frequency.passes > 0;
  for (int l = 0; l < summary.layers; ++l) {
    for (int h = 0; h < summary.heads; ++h) {
      if (!summary.shape.has({l, h})) continue;
      csv.cell(l).cell(h).cell(score.slug);
      if (spread) {
        const Spread& head =
            (*spread)[static_cast<size_t>(l) * static_cast<size_t>(summary.heads) + static_cast<size_t>(h)];
        csv.cell(head.mean).cell(head.deviation).cell(head.group_deviation);
      } else {
        empty_cells(csv, 3);
      }
      point ? csv.cell(point->share) : csv.empty();
      counted ? csv.cell(point->frequency.share({l, h})) : csv.empty();
      csv.end_line();
    }
  }
}

CsvWriter write_heads(const StudySummary& summary, const HeadProfiles& profiles,
                      const std::filesystem::path& path) {
  CsvWriter csv(
      path, {"layer", "head", "score", "mean", "deviation", "subject_deviation", "share", "frequency_off"});
  for (const ScoreProfile& profile : profiles.scores)
    write_score_heads(csv, summary, *profile.score, &profile.heads);
  for (const ScoreSummary& score : summary.scores) {
    if (score.score->is_random) write_score_heads(csv, summary, *score.score, nullptr);
  }
  csv.prepare();
  return csv;
}

CsvWriter write_decisions(const DecisionSummary& decisions, const std::filesystem::path& path) {
  CsvWriter csv(path, {"score", "share", "generation", "decision", "exact", "questions", "percent_off",
                       "loss", "loss_low", "loss_high"});
  for (const DecidedPoint& point : decisions.points) {
    const Decision& decision = point.decision;
    csv.cell(point.entry.score->slug).cell(point.entry.share).cell(point.generation);
    csv.cell(name_of(decision.verdict)).cell(static_cast<int>(decision.exact)).cell(decision.documents);
    csv.cell(point.entry.percent_off);
    decision.documents > 0 ? csv.cell(100 * decision.estimate) : csv.empty();
    csv.cell(100 * decision.bounds.low).cell(100 * decision.bounds.high);
    csv.end_line();
  }
  csv.prepare();
  return csv;
}

// What kinds of documents a study has decides the columns.
struct Kinds {
  bool choices = false, answers = false, texts = false;

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
    return names;
  }
};

Kinds kinds_of(const std::vector<StoredDocument>& documents) {
  Kinds kinds;
  for (const StoredDocument& document : documents) {
    kinds.choices = kinds.choices || !document.choice_lengths.empty();
    kinds.answers = kinds.answers || document.reference;
    kinds.texts = kinds.texts || document.is_text();
  }
  return kinds;
}

void write_choice(CsvWriter& csv, const StoredDocument& document, const StoredResult* result) {
  if (!result || document.choice_lengths.empty()) return empty_cells(csv, 4);
  const Outcome outcome = outcome_of(document, result->log_likelihoods);
  csv.cell(outcome.choice).cell(static_cast<int>(outcome.correct));
  csv.cell(outcome.choice_norm).cell(static_cast<int>(outcome.correct_norm));
}

void write_answer(CsvWriter& csv, const StoredDocument& document, const StoredResult* result) {
  if (!result || !document.reference) return empty_cells(csv, 5);
  csv.cell(result->response);
  for (const std::string& prediction : {strict_match(result->response), flexible_extract(result->response)})
    csv.cell(prediction).cell(static_cast<int>(exact_match(prediction, *document.reference)));
}

void write_text(CsvWriter& csv, const StoredDocument& document, const StoredResult* result) {
  if (!document.is_text()) return empty_cells(csv, 3);
  csv.cell(document.words).cell(document.bytes);
  result ? csv.cell(result->log_likelihoods[0]) : csv.empty();
}

CsvWriter write_documents(const StudySummary& summary, const std::vector<StoredResult>& baseline,
                          const std::filesystem::path& path) {
  const Kinds kinds = kinds_of(summary.documents);
  CsvWriter csv(path, kinds.columns());
  auto next = baseline.begin();
  for (size_t d = 0; d < summary.documents.size(); ++d) {
    const StoredDocument& document = summary.documents[d];
    csv.cell(d).cell(document.group).cell(document.category).cell(document.index);
    csv.cell(document.choice_lengths.size());
    document.choice_lengths.empty() ? csv.empty() : csv.cell(document.gold);
    csv.cell(document.samples).cell(document.tokens).cell(static_cast<int>(document.truncated));
    const bool done = next != baseline.end() && next->document == static_cast<int64_t>(d);
    const StoredResult* result = done ? &*next++ : nullptr;
    if (kinds.choices) write_choice(csv, document, result);
    if (kinds.answers) write_answer(csv, document, result);
    if (kinds.texts) write_text(csv, document, result);
    csv.end_line();
  }
  csv.prepare();
  return csv;
}

}  // namespace

// All files or none: they take their names when all of them are written.
void export_csv(const StudyStore& store, const std::filesystem::path& folder, const Terms& terms) {
  const OutputFolder made(folder);
  const StudySummary summary = summarize(store, {.terms = terms});
  const Certainty certainty = certainty_of(store, summary);
  const std::vector<StoredResult> baseline = store.results(0, true);
  std::vector<CsvWriter> files;
  files.push_back(write_documents(summary, baseline, folder / "documents.csv"));
  files.push_back(write_curves(summary, certainty, folder / "curves.csv"));
  files.push_back(write_shares(summary, certainty, folder / "shares.csv"));
  files.push_back(write_heads(summary, head_profiles(store, summary), folder / "heads.csv"));
  files.push_back(write_scores(baseline, folder / "scores.csv"));
  if (has_static_masks(summary)) files.push_back(write_static(summary, folder / "static.csv"));
  if (summary.decisions) files.push_back(write_decisions(*summary.decisions, folder / "decisions.csv"));
  for (CsvWriter& file : files) file.finish();
}

}  // namespace idleheads
