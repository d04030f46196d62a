// Parts of JSON that several outputs have: the export, the report, comparisons, models.
#pragma once

#include <optional>

#include "format/json.h"
#include "idleheads/report/compare.h"
#include "report/numbers/certainty.h"
#include "report/numbers/head_profile.h"

namespace idleheads {

template <typename T>
OrderedJson optional_json(const std::optional<T>& value) {
  return value ? OrderedJson(*value) : OrderedJson(nullptr);
}

// Adds to a score: "inactive_interval", in percent of the heads.
void add_certainty(OrderedJson& score, const ScoreCertainty& certainty);

// Adds to a point of a curve: "interval" of the metric in percent, "lost" and "won" documents, "mcnemar"
// (null for perplexities), "difference" to the baseline and "difference_interval" in points.
void add_certainty(OrderedJson& point, const PointCertainty& certainty);

// [low, high], or null.
OrderedJson interval_json(const std::optional<Interval>& interval, double scale = 1);

// Of a study with a best_point(), else null: "kv_heads" a layer, "head_dim", "mean_groups" that were
// off at a time, "always" [[layer, kv_head]], "off" in percent of the passes [layers x kv_heads], "bytes":
// the KV cache of a token, "all", "mean_off" and "always_off", at 2 bytes a number.
OrderedJson kv_json(const std::optional<KvProfile>& kv);

// How often each head was off, in percent of the passes: [layers x heads].
OrderedJson off_json(const HeadFrequency& frequency);

// What each statistic is, in words, by its name.
OrderedJson meanings_of_statistics();

// A number with four significant digits; null for what is no number.
OrderedJson rounded(double value);

// What is decided (report/decided.h): "tolerance" in points, "confidence", "stops", "pairs", "asked", "left",
// "holds", "fails", "open" (how many), and "scores": "score", "holds", "fails", "crosses" in percent of the
// heads or null, "open" [percent], "points" in order of the share: "share", "percent" that were off,
// "generation", "decision", "exact", "questions" of complete rounds, "loss", "low" and "high" in points.
OrderedJson decisions_json(const DecisionSummary& decisions);

// Adds to a point what AnswerChanges holds: "changed", "lost", "won" (null for perplexities), "loss_bound" in
// points, "kl_bound" in nats (null where too little is known), and "log_likelihood_change" (nats),
// "probability_change" (points), "kl" (nats), each with "mean", "interval", "p5", "median", "p95", or null
// without choices.
void add_changes(OrderedJson& point, const StudySummary& summary, const AnswerChanges& changes);
// docs/export_format.md.
OrderedJson comparison_json(const StudyComparison& comparison);
// Adds to a score: "sure" and "first_crossing" in percent of the heads, and "sure_point", a place in "points"
// or null.
void add_claims(OrderedJson& out, const ScoreSummary& score);

}  // namespace idleheads
