#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <initializer_list>

#include "analysis/exact_match.h"
#include "base/error.h"
#include "report/csv.h"
#include "report/export.h"
#include "study/answers.h"

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
      csv.cell(document).cell(sample).cell(l).cell(h);
      for (const float value : stats.layer(l)[h]) csv.cell(value);
      for (size_t s = 0; s < scores.size(); ++s) csv.cell(values[s][h]);
      csv.end_line();
    }
  }
}

void write_scores(const std::vector<StoredResult>& baseline, const std::filesystem::path& path) {
  std::vector<std::string> header = {"document", "sample", "layer", "head"};
  for (int i = 0; i < kStats; ++i) header.emplace_back(stat_name(static_cast<Stat>(i)));
  const std::vector<const Score*> scores = stored_scores();
  for (const Score* score : scores) header.emplace_back(score->slug);
  CsvWriter csv(path, header);
  for (const StoredResult& result : baseline) {
    for (size_t s = 0; s < result.stats.size(); ++s)
      write_sample(csv, result.document, s, result.stats[s], scores);
  }
  csv.finish();
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
  csv.end_line();
}

void write_curves(const StudySummary& summary, const std::filesystem::path& path) {
  std::vector<std::string> header = {"score", "share", "threshold", "percent_zeroed", "questions"};
  for (const Metric metric : summary.metrics) {
    for (std::string& name : columns_of(metric)) header.push_back(std::move(name));
  }
  CsvWriter csv(path, header);
  write_values(csv.cell("baseline").empty().empty().cell(0), summary, summary.baseline);
  for (const ScoreSummary& score : summary.scores) {
    for (const CurveEntry& point : score.points) {
      csv.cell(score.score->slug).cell(point.share).cell(point.threshold).cell(point.percent_off);
      write_values(csv, summary, point.values);
    }
  }
  csv.finish();
}

// One score's heads: `mean` over samples (none for random) and how often each was off at the proven point.
void write_score_heads(CsvWriter& csv, const StudySummary& summary, const Score& score,
                       const HeadGrid* mean) {
  const ScoreSummary* results = find_tested(summary, score);
  const CurveEntry* proven = results && results->proven ? &results->points[*results->proven] : nullptr;
  const bool counted = proven && proven->frequency.passes > 0;
  for (int l = 0; l < summary.layers; ++l) {
    for (int h = 0; h < summary.heads; ++h) {
      csv.cell(l).cell(h).cell(score.slug);
      mean ? csv.cell(mean->at(l, h)) : csv.empty();
      proven ? csv.cell(proven->share) : csv.empty();
      counted ? csv.cell(proven->frequency.share({l, h})) : csv.empty();
      csv.end_line();
    }
  }
}

void write_heads(const StudySummary& summary, const std::filesystem::path& path) {
  CsvWriter csv(path, {"layer", "head", "score", "mean", "share", "frequency_off"});
  for (const ScoreDistribution& distribution : summary.distributions) {
    write_score_heads(csv, summary, *distribution.score, &distribution.mean);
  }
  for (const ScoreSummary& score : summary.scores) {
    if (score.score->is_random) write_score_heads(csv, summary, *score.score, nullptr);
  }
  csv.finish();
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

void empty_cells(CsvWriter& csv, int count) {
  for (int i = 0; i < count; ++i) csv.empty();
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

void write_documents(const StudySummary& summary, const std::vector<StoredResult>& baseline,
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
  csv.finish();
}

}  // namespace

void export_csv(const StudyStore& store, const std::filesystem::path& folder) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) fail("{}: the folder cannot be made: {}", printable(folder.string(), 300), error.message());
  SummaryOptions options;
  options.distributions = true;
  const StudySummary summary = summarize(store, options);
  const std::vector<StoredResult> baseline = store.results(0, true);
  write_documents(summary, baseline, folder / "documents.csv");
  write_curves(summary, folder / "curves.csv");
  write_heads(summary, folder / "heads.csv");
  write_scores(baseline, folder / "scores.csv");
}

}  // namespace idleheads
