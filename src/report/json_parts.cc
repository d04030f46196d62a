#include "report/json_parts.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>

namespace idleheads {
OrderedJson interval_json(const std::optional<Interval>& interval, double scale) {
  if (!interval) return nullptr;
  return {interval->low * scale, interval->high * scale};
}

void add_certainty(OrderedJson& score, const ScoreCertainty& certainty) {
  score["inactive_interval"] = interval_json(certainty.inactive_percent);
  score["confident"] = certainty.confident_percent;
}

void add_certainty(OrderedJson& point, const PointCertainty& certainty) {
  point["interval"] = interval_json(certainty.accuracy, 100);
  const bool counted =
      certainty.mcnemar.has_value();  // nothing is won or lost where no document is right or wrong
  point["lost"] = counted ? OrderedJson(certainty.lost) : OrderedJson(nullptr);
  point["won"] = counted ? OrderedJson(certainty.won) : OrderedJson(nullptr);
  point["mcnemar"] = optional_json(certainty.mcnemar);
  point["difference"] = certainty.difference.points;
  point["difference_interval"] = interval_json(certainty.difference.interval);
}

OrderedJson rounded(double value) {
  if (!std::isfinite(value)) return nullptr;
  return OrderedJson(std::strtod(fmt::format("{:.4g}", value).c_str(), nullptr));
}

OrderedJson off_json(const HeadFrequency& frequency) {
  const auto passes = static_cast<double>(std::max<int64_t>(1, frequency.passes));
  OrderedJson out = OrderedJson::array();
  for (const int64_t count : frequency.off) {
    // "100" is for heads that were off in every pass: rounding must not make it of 99.9975.
    const double percent = 100. * static_cast<double>(count) / passes;
    out.push_back(rounded(count == frequency.passes ? percent : std::min(percent, 99.99)));
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
