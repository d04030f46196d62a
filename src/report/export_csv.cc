#include <fmt/format.h>

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

void write_accuracies(CsvWriter& csv, const Accuracies& accuracies) {
  const auto& [acc, acc_norm] = accuracies;
  const auto value = [&](const Accuracy& a) { a.n > 0 ? csv.cell(a.value) : csv.empty(); };
  const auto error = [&](const Accuracy& a) { a.error ? csv.cell(*a.error) : csv.empty(); };
  csv.cell(acc.n);
  value(acc);
  error(acc);
  value(acc_norm);
  error(acc_norm);
  csv.end_line();
}

void write_curves(const StudySummary& summary, const std::filesystem::path& path) {
  CsvWriter csv(path, {"score", "share", "threshold", "percent_zeroed", "questions", "accuracy", "stderr",
                       "accuracy_norm", "stderr_norm"});
  write_accuracies(csv.cell("baseline").empty().empty().cell(0), summary.baseline);
  for (const ScoreSummary& score : summary.scores) {
    for (const CurveEntry& point : score.points) {
      csv.cell(score.score->slug).cell(point.share).cell(point.threshold).cell(point.percent_off);
      write_accuracies(csv, point.accuracies);
    }
  }
  csv.finish();
}

const ScoreSummary* tested(const StudySummary& summary, const Score& score) {
  for (const ScoreSummary& candidate : summary.scores) {
    if (*candidate.score == score) return &candidate;
  }
  return nullptr;
}

// One score's heads: `mean` over samples (none for random) and how often each was off at the proven point.
void write_score_heads(CsvWriter& csv, const StudySummary& summary, const Score& score,
                       const HeadGrid* mean) {
  const ScoreSummary* results = tested(summary, score);
  const CurveEntry* proven = results && results->proven ? &results->points[*results->proven] : nullptr;
  const bool counted = proven && proven->frequency.samples > 0;
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

void write_documents(const StudySummary& summary, const std::vector<StoredResult>& baseline,
                     const std::filesystem::path& path) {
  CsvWriter csv(path, {"document", "group", "category", "index", "choices", "gold", "samples", "tokens",
                       "truncated", "prediction", "correct", "prediction_norm", "correct_norm"});
  auto result = baseline.begin();
  for (size_t d = 0; d < summary.documents.size(); ++d) {
    const StoredDocument& document = summary.documents[d];
    const bool questions = !document.choice_lengths.empty();
    csv.cell(d)
        .cell(document.group)
        .cell(document.category)
        .cell(document.index)
        .cell(document.choice_lengths.size());
    questions ? csv.cell(document.gold) : csv.empty();
    csv.cell(document.samples).cell(document.tokens).cell(static_cast<int>(document.truncated));
    const bool done = result != baseline.end() && result->document == static_cast<int64_t>(d);
    if (done && questions) {
      const Outcome outcome = outcome_of(document, result->log_likelihoods);
      csv.cell(outcome.choice).cell(static_cast<int>(outcome.correct));
      csv.cell(outcome.choice_norm).cell(static_cast<int>(outcome.correct_norm));
    } else {
      csv.empty().empty().empty().empty();
    }
    if (done) ++result;
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
