#include "report/numbers/json_parts.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "report/numbers/decided.h"

namespace idleheads {

OrderedJson interval_json(const std::optional<Interval>& interval, double scale) {
  if (!interval) return nullptr;
  return {interval->low * scale, interval->high * scale};
}

void add_certainty(OrderedJson& score, const ScoreCertainty& certainty) {
  score["inactive_interval"] = interval_json(certainty.inactive_percent);
}

void add_certainty(OrderedJson& point, const PointCertainty& certainty) {
  point["interval"] = interval_json(certainty.accuracy, 100);
  point["mcnemar"] = optional_json(certainty.mcnemar);
  point["difference"] = certainty.difference.points;
  point["difference_interval"] = interval_json(certainty.difference.interval);
}

OrderedJson spread_json(const std::optional<ChangeSpread>& spread) {
  if (!spread) return nullptr;
  return {{"mean", rounded(spread->mean)},
          {"interval", interval_json(spread->interval)},
          {"p5", rounded(spread->low)},
          {"median", rounded(spread->median)},
          {"p95", rounded(spread->high)}};
}

namespace {

OrderedJson decided_point_json(const DecidedPoint& point) {
  const Decision& decision = point.decision;
  return {{"share", point.entry.share},
          {"percent", point.entry.percent_off},
          {"generation", point.generation},
          {"decision", name_of(decision.verdict)},
          {"exact", decision.exact},
          {"questions", decision.documents},
          {"loss", decision.documents > 0 ? OrderedJson(100 * decision.estimate) : OrderedJson(nullptr)},
          {"low", 100 * decision.bounds.low},
          {"high", 100 * decision.bounds.high}};
}

}  // namespace

OrderedJson decisions_json(const DecisionSummary& decisions) {
  OrderedJson scores = OrderedJson::array();
  for (const DecisionSummary::OfScore& score : decisions.scores) {
    OrderedJson points = OrderedJson::array();
    for (const DecidedPoint* point : points_of_score(decisions, *score.score))
      points.push_back(decided_point_json(*point));
    scores.push_back({{"score", score.score->slug},
                      {"holds", optional_json(score.share.holds)},
                      {"fails", optional_json(score.share.fails)},
                      {"crosses", optional_json(score.share.interpolated)},
                      {"open", score.share.open},
                      {"points", std::move(points)}});
  }
  const VerdictCounts counts = counts_of(decisions);
  return {{"tolerance", 100 * decisions.terms.tolerance},
          {"confidence", decisions.terms.confidence},
          {"stops", decisions.stops},
          {"pairs", decisions.pairs},
          {"asked", decisions.asked},
          {"left", decisions.left},
          {"holds", counts.holds},
          {"fails", counts.fails},
          {"open", counts.open},
          {"scores", std::move(scores)}};
}

void add_changes(OrderedJson& point, const StudySummary& summary, const AnswerChanges& changes) {
  const auto count = [&](int64_t number) {
    return metric_info(summary.metric).is_share ? OrderedJson(number) : OrderedJson(nullptr);
  };
  point["changed"] = count(changes.changed);
  point["lost"] = count(changes.lost);
  point["won"] = count(changes.won);
  point["loss_bound"] = rounded(changes.loss_bound);
  point["log_likelihood_change"] = spread_json(changes.log_likelihood);
  point["probability_change"] = spread_json(changes.probability);
  point["kl"] = spread_json(changes.kl);
  point["kl_bound"] = rounded(changes.kl_bound);
}

void add_claims(OrderedJson& out, const ScoreSummary& score) {
  out["sure"] = score.sure_percent();
  out["sure_point"] = score.sure_percent() > 0 ? OrderedJson(*score.sure) : OrderedJson(nullptr);
  out["first_crossing"] = optional_json(score.first_crossing);
}

OrderedJson meanings_of_statistics() {
  OrderedJson out = OrderedJson::object();
  for (int i = 0; i < kStats; ++i) {
    const auto stat = static_cast<Stat>(i);
    out[std::string(stat_name(stat))] = stat_meaning(stat);
  }
  return out;
}

OrderedJson rounded(double value) {
  if (!std::isfinite(value)) return nullptr;
  return OrderedJson(std::strtod(fmt::format("{:.4g}", value).c_str(), nullptr));
}

OrderedJson off_json(const HeadFrequency& frequency) {
  const auto passes = static_cast<double>(std::max<int64_t>(1, frequency.passes));
  OrderedJson out = OrderedJson::array();
  for (int l = 0; l < frequency.layers; ++l) {
    for (int h = 0; h < frequency.heads; ++h) {
      // "100" is for heads that were off in every pass: rounding must not make it of 99.9975.
      const int64_t count = frequency.count({l, h});
      const double percent = 100. * static_cast<double>(count) / passes;
      const double shown = count == frequency.passes ? percent : std::min(percent, 99.99);
      out.push_back(frequency.has({l, h}) ? rounded(shown) : OrderedJson(nullptr));
    }
  }
  return out;
}

OrderedJson kv_json(const std::optional<KvProfile>& kv) {
  if (!kv) return nullptr;
  OrderedJson out = {{"kv_heads", kv->kv_heads},         {"head_dim", optional_json(kv->head_dim)},
                     {"mean_groups", kv->mean_groups()}, {"always", OrderedJson::array()},
                     {"off", off_json(kv->groups)},      {"bytes", nullptr}};
  for (const HeadId id : kv->always) out["always"].push_back({id.layer, id.head});
  if (!kv->head_dim) return out;
  out["bytes"] = {{"all", kv->cache_bytes(kv->all_groups())},
                  {"mean_off", kv->cache_bytes(kv->mean_groups())},
                  {"always_off", kv->cache_bytes(static_cast<double>(kv->always.size()))}};
  return out;
}

}  // namespace idleheads
