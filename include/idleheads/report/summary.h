// A study file as the numbers that a person or a program reads: baseline, curves, the best score, the heads
// by name. Everything is computed from what the forward passes gave; what is missing in an unfinished study
// is listed.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "idleheads/analysis/accuracy.h"
#include "idleheads/analysis/answer_change.h"
#include "idleheads/analysis/curve.h"
#include "idleheads/analysis/decided_share.h"
#include "idleheads/analysis/decision.h"
#include "idleheads/analysis/frequency.h"
#include "idleheads/report/distribution.h"
#include "idleheads/studyfile/store.h"

namespace idleheads {

// What heads must keep to count as inactive.
struct Terms {
  // How far the metric may fall below the baseline, in points, > 0 (paper section 5; analysis/accuracy.h has
  // those of perplexities).
  double tolerance = 1;
  // Of everything that is said of other questions than these, over all interventions of a study together; in
  // (0, 1).
  double confidence = 0.95;
  // What decides how much is sure, instead of the tolerance: how large the mean KL divergence between the
  // distributions over a question's choices, with all heads on and under the intervention, may be; in nats, >
  // 0.
  std::optional<double> within_kl = std::nullopt;
  // Of the draws of bootstrap intervals (certainty.h).
  uint64_t seed = 1234;
};

// What an intervention changes in the answers to the same questions. Counts are of questions with a right
// answer.
struct AnswerChanges {
  int64_t changed = 0, lost = 0,
          won = 0;  // another choice or response; right with all heads on alone, right now alone
  // Of questions with choices (analysis/answer_change.h); none without them.
  std::optional<ChangeSpread> log_likelihood;
  std::optional<ChangeSpread> probability;  // in points
  std::optional<ChangeSpread> kl;
  // Standard error of what the metric loses, in points; infinity of fewer than two documents.
  double loss_error = std::numeric_limits<double>::infinity();
  // The most that other questions like these can lose, in points of the metric, and the most their mean KL
  // divergence can be: Terms::confidence for all interventions of the study together. Infinity where there
  // are too few to say.
  double loss_bound = std::numeric_limits<double>::infinity();
  double kl_bound = std::numeric_limits<double>::infinity();
};

// One intervention with results for all documents.
struct CurveEntry {
  const Score* score = nullptr;
  int64_t intervention = 0;  // its number in the study
  double share = 0;          // target, in [0, 1]
  std::string rule;          // "ahon_ln<0.52"
  double threshold = 0;      // NaN of a static mask
  std::optional<double> at_least =
      {};                  // StoredIntervention::at_least: the heads are the same for every input
  double percent_off = 0;  // mean over forward passes of the share of heads that were off, in percent
  MetricValues values;
  HeadFrequency frequency;
  Work work;
  AnswerChanges changes;  // against all heads on
};

struct ScoreSummary {
  const Score* score = nullptr;
  int64_t planned = 0;             // interventions of the plan, static masks left out
  std::vector<CurveEntry> points;  // complete ones, in order of the share
  // Complete ones; those with the largest `at_least` last, of these in order of the share. Made of what the
  // points had off on the same inputs, so that nothing bounds their loss on others.
  std::vector<CurveEntry> static_points;
  // analysis/curve.h, of curve_points().
  std::optional<double> inactive_percent;
  std::optional<double> auc;
  // The point with most heads off whose metric is within the tolerance of the baseline: on these questions.
  std::optional<size_t> proven;
  // Where the curve first leaves the line; below inactive_percent if the curve dips.
  std::optional<double> first_crossing;
  // The last point, in order of the share, up to which every point's bound is within what is allowed: on
  // other questions like these. The first failure ends it, so that the confidence of a bound is that of all
  // of them.
  std::optional<size_t> sure;
  double sure_percent() const { return sure ? points[*sure].percent_off : 0; }
  bool can_be_off() const {
    return inactive_percent || sure_percent() > 0;
  }  // some share, within what may be lost
  bool dips() const {
    return first_crossing && inactive_percent && *first_crossing < *inactive_percent - 1e-9;
  }
};

// Heads by how often they were off.
struct NamedHeads {
  std::vector<HeadId> always;     // in all forward passes
  std::vector<HeadId> mostly;     // in at least 90 %
  std::vector<HeadId> sometimes;  // in at least one
  std::vector<HeadId> never;
};
NamedHeads name_heads(const HeadFrequency& frequency);

// An intervention that need not have all results yet, and what is decided of it.
struct DecidedPoint {
  CurveEntry entry;  // over the questions asked; changes are not in it
  int generation = 0;
  Decision decision;
};

// What is decided of a study (decided.h).
struct DecisionSummary {
  DecisionOptions terms;
  bool stops = false;  // the study stops when it knows; else these are the intervals of one that is running
  // (question, intervention) pairs: of the plan, with results, and what the open ones can still take.
  int64_t pairs = 0, asked = 0, left = 0;
  std::vector<DecidedPoint> points;  // in the order of the plan
  struct OfScore {
    const Score* score = nullptr;
    DecidedShare share;
  };
  std::vector<OfScore> scores;  // in the order of the plan
  std::optional<size_t> best;   // the point with the largest share that holds, random left out
};

// A part of the plan that lacks results.
struct MissingPart {
  std::string name;  // "baseline", "ahon_ln@15%", "ahon_ln@15% (off in 50 % of the inputs)"
  int64_t done = 0;
  int64_t documents = 0;
};

struct StudySummary {
  Settings settings;
  std::string model;  // as the user gave it
  std::string task;
  int layers = 0;
  int heads = 0;                // query heads a layer
  HeadShape shape;              // which of them there are
  Metric metric = Metric::acc;  // decides curves
  std::vector<Metric> metrics;  // all that can be measured of the documents
  std::vector<StoredDocument> documents;
  std::vector<std::string> excerpts;  // how the question of each begins; empty where the study keeps none
  int64_t questions = 0;  // documents that can be measured: with choices, with a reference answer, texts
  int64_t samples = 0;
  double chance = 0;       // share of right answers by guessing; 0 where there are no choices
  bool generates = false;  // the model writes the answers: a forward pass a new token, not a sample

  int64_t baseline_done = 0;  // documents
  MetricValues baseline;
  std::vector<ScoreSummary> scores;  // in the order of the plan; empty if nothing was switched off
  // Of `scores`, random left out: the largest share that is sure, equal ones (none is, where questions are
  // few) by the largest inactive share on these questions, then by area.
  std::optional<size_t> best;
  std::optional<size_t> best_other;  // the same without awft
  std::optional<NamedHeads> named;   // at best_point()

  std::vector<SubjectRow> subjects;  // of the baseline
  std::string chosen_rule;           // the intervention of `subjects_chosen`, "ahon_ln@15%"; empty if none
  std::vector<SubjectRow> subjects_chosen;  // the same rows under it

  std::vector<ScoreDistribution> distributions;  // if asked for, or nothing was switched off
  std::vector<MissingPart> missing;
  std::optional<DecisionSummary> decisions;
  Work work;  // of all interventions, the baseline's too
  Terms terms;

  int64_t head_count() const { return shape.count(); }
  bool is_sure(size_t score) const { return scores[score].sure_percent() > 0; }
  // How many questions it takes for anything to be sure, if not one answer changes.
  int64_t fewest_questions() const;
  bool score_only() const { return scores.empty(); }
  MetricValue baseline_value() const { return value_of(baseline, metric); }
  // With all heads on the model is less than two standard errors above guessing, or above nothing right: then
  // switching heads off loses nothing and proves nothing.
  bool only_guesses() const;
};

struct SummaryOptions {
  bool distributions = false;    // read the statistics also of a study with interventions
  std::string subjects_of = "";  // rule of `subjects_chosen` as find_point reads it; empty: best_point()
  Terms terms = {};
};

// Throws Error for a damaged file, UsageError for a rule the study does not hold.
StudySummary summarize(const StudyStore& store, const SummaryOptions& options = {});

// The tolerance in words: "1 point", "0.5 points", "1 %".
std::string tolerance_text(const StudySummary& summary);
std::string tolerance_text(Metric metric, double tolerance);

// The paper's scores without random, and what else the study tests: what tables and pages show of its heads.
std::vector<const Score*> shown_scores(const StudySummary& summary);
// Likewise the paper's seven statistics, and what else its scores are made of.
std::vector<Stat> shown_stats(const StudySummary& summary);

// What the study has of a score; nullptr if it was not in its plan.
const ScoreSummary* find_tested(const StudySummary& summary, const Score& score);

// Of the scores' numbers: what is sure first, then the largest inactive share, then by area; none last.
std::vector<size_t> score_ranking(const StudySummary& summary);

// The static mask with most heads, of those of the score with this `at_least`, whose metric is within the
// tolerance of the baseline; nullptr if there is none.
const CurveEntry* largest_static(const StudySummary& summary, const ScoreSummary& score, double at_least);

// A score's last intervention that is sure, else its proven one; nullptr if there is none. What counts as its
// inactive heads everywhere.
const CurveEntry* chosen_point(const ScoreSummary& score);
// That of the best score, or where decisions are shown the best of these; nullptr if there is none.
const CurveEntry* best_point(const StudySummary& summary);

// The curve of a score in points of the metric. Nothing off is the baseline by definition, so that a score
// that was not tested at share 0 gets that point too, as the first.
std::vector<CurvePoint> curve_points(const StudySummary& summary, const ScoreSummary& score);

// The finished intervention that the user means: "ahon_ln@15%" or its rule "ahon_ln<0.52". Throws UsageError:
// malformed, not of this study (with the tested shares), not finished.
const CurveEntry& find_point(const StudySummary& summary, std::string_view text);

// What these results of an intervention say; not its work and changes.
CurveEntry make_entry(const StudySummary& summary, int64_t number, const StoredIntervention& intervention,
                      const std::vector<StoredResult>& results);

// "ahon_ln@15%".
std::string share_name(std::string_view score, double share);
// The same, with what a static mask was made of: "ahon_ln@15% (off in 50 % of the inputs)".
std::string intervention_name(const StoredIntervention& intervention);
// 0.15 as "15", without noise in the last digits.
std::string percent_text(double share);

}  // namespace idleheads
