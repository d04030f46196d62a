#include <algorithm>

#include "format/json.h"
#include "idleheads/report/export.h"
#include "idleheads/version.h"
#include "report/numbers/json_parts.h"

namespace idleheads {
namespace {

OrderedJson value_json(const MetricValue& value) {
  return {{"n", value.n},
          {"value", value.n > 0 ? OrderedJson(value.value) : OrderedJson(nullptr)},
          {"stderr", optional_json(value.error)}};
}

OrderedJson values_json(const StudySummary& summary, const MetricValues& values) {
  OrderedJson out = OrderedJson::object();
  for (const Metric metric : summary.metrics) out[metric_name(metric)] = value_json(value_of(values, metric));
  return out;
}

// {"5": [3, 7]}: layer to heads.
OrderedJson heads_json(const std::vector<HeadId>& heads) {
  OrderedJson out = OrderedJson::object();
  for (const HeadId id : heads) out[std::to_string(id.layer)].push_back(id.head);
  return out;
}

OrderedJson point_json(const StudySummary& summary, const CurveEntry& point) {
  return {{"share", point.share},
          {"rule", point.rule},
          {"threshold", point.threshold},
          {"percent_zeroed", point.percent_off},
          {"rows_computed", point.work.rows},
          {"rows_without_sharing", point.work.rows_unshared},
          {"accuracy", values_json(summary, point.values)}};
}

OrderedJson static_json(const StudySummary& summary, const CurveEntry& point) {
  OrderedJson out = {{"share", point.share},
                     {"at_least", *point.at_least},
                     {"heads", point.rule},
                     {"percent_zeroed", point.percent_off},
                     {"accuracy", values_json(summary, point.values)}};
  add_changes(out, summary, point.changes);
  return out;
}

OrderedJson score_json(const StudySummary& summary, const ScoreSummary& score,
                       const ScoreCertainty* certainty) {
  OrderedJson points = OrderedJson::array();
  for (size_t i = 0; i < score.points.size(); ++i) {
    OrderedJson& point = points.emplace_back(point_json(summary, score.points[i]));
    add_changes(point, summary, score.points[i].changes);
    if (certainty) add_certainty(point, certainty->points[i]);
  }
  OrderedJson out = {
      {"score", score.score->slug},
      {"name", score.score->paper_name},
      {"planned", score.planned},
      {"largest_inactive_percent", optional_json(score.inactive_percent)},
      {"normalized_auc", optional_json(score.auc)},
      {"proven_share", score.proven ? OrderedJson(score.points[*score.proven].share) : OrderedJson(nullptr)},
      {"points", std::move(points)}};
  out["static"] = OrderedJson::array();
  for (const CurveEntry& point : score.static_points) out["static"].push_back(static_json(summary, point));
  add_claims(out, score);
  if (certainty) add_certainty(out, *certainty);
  return out;
}

OrderedJson named_json(const StudySummary& summary) {
  if (!summary.named) return nullptr;
  const CurveEntry& point = *best_point(summary);
  return {{"score", point.score->slug},
          {"share", point.share},
          {"rule", point.rule},
          {"samples", point.frequency.passes},
          {"always", heads_json(summary.named->always)},
          {"mostly", heads_json(summary.named->mostly)},
          {"sometimes", heads_json(summary.named->sometimes)},
          {"never", heads_json(summary.named->never)}};
}

OrderedJson distributions_json(const StudySummary& summary) {
  OrderedJson out = OrderedJson::array();
  for (const ScoreDistribution& d : summary.distributions) {
    OrderedJson mean = OrderedJson::array();
    for (int l = 0; l < d.mean.layers; ++l) {
      OrderedJson row = OrderedJson::array();
      for (int h = 0; h < d.mean.heads; ++h) row.push_back(d.mean.at(l, h));
      mean.push_back(std::move(row));
    }
    out.push_back({{"score", d.score->slug},
                   {"inactive_when", d.score->inactive_above ? "above" : "below"},
                   {"numbers", d.numbers},
                   {"nan", d.nan},
                   {"min", d.min},
                   {"q05", d.low},
                   {"median", d.median},
                   {"q95", d.high},
                   {"max", d.max},
                   {"mean", std::move(mean)}});
  }
  return out;
}

OrderedJson subjects_json(const StudySummary& summary) {
  OrderedJson out = OrderedJson::array();
  for (const SubjectRow& row : summary.subjects) {
    out.push_back({{"name", row.name}, {"depth", row.depth}, {"accuracy", values_json(summary, row.values)}});
  }
  return out;
}

OrderedJson overview_json(const StudySummary& summary) {
  const auto slug = [&](std::optional<size_t> i) {
    return i ? OrderedJson(summary.scores[*i].score->slug) : OrderedJson(nullptr);
  };
  return {{"model", summary.model},
          {"task", summary.task},
          {"layers", summary.layers},
          {"heads", summary.heads},
          {"metric", metric_name(summary.metric)},
          {"documents", summary.documents.size()},
          {"questions", summary.questions},
          {"samples", summary.samples},
          {"chance", summary.chance > 0 ? OrderedJson(summary.chance) : OrderedJson(nullptr)},
          {"tolerance_points", summary.terms.tolerance},
          {"confidence", summary.terms.confidence},
          {"within_kl", optional_json(summary.terms.within_kl)},
          {"baseline", values_json(summary, summary.baseline)},
          {"best", slug(summary.best)},
          {"best_other_than_awft", slug(summary.best_other)}};
}

}  // namespace

std::string study_json(const StudyStore& store, const Terms& terms) {
  const StudySummary summary = summarize(store, {.distributions = true, .terms = terms});
  const Certainty certainty = certainty_of(store, summary);
  OrderedJson out;
  out["program"] = build_description();
  out["settings"] = summary.settings;
  out["summary"] = overview_json(summary);
  out["curves"] = OrderedJson::array();
  for (size_t i = 0; i < summary.scores.size(); ++i) {
    const ScoreCertainty* sure = certainty.scores.empty() ? nullptr : &certainty.scores[i];
    out["curves"].push_back(score_json(summary, summary.scores[i], sure));
  }
  out["heads"] = named_json(summary);
  out["kv"] = kv_json(kv_profile(store, summary));
  out["distributions"] = distributions_json(summary);
  out["subjects"] = subjects_json(summary);
  out["work"] = {{"rows_computed", summary.work.rows}, {"rows_without_sharing", summary.work.rows_unshared}};
  out["decisions"] = summary.decisions ? decisions_json(*summary.decisions) : OrderedJson(nullptr);
  out["missing"] = OrderedJson::array();
  for (const MissingPart& part : summary.missing) {
    out["missing"].push_back({{"name", part.name}, {"done", part.done}, {"documents", part.documents}});
  }
  return dump_json(out, 2);
}

}  // namespace idleheads
