#include "report/page/attention_page.h"

#include "report/numbers/json_parts.h"
#include "report/page/embedded.h"
#include "report/page/html_page.h"
#include "report/page/packed_pattern.h"

namespace idleheads {
namespace {

OrderedJson scores_json(const AttentionRun& run, HeadId head, RandomKey key) {
  OrderedJson out = OrderedJson::object();
  std::vector<float> values(static_cast<size_t>(run.stats.heads));
  for (const Score& score : all_scores()) {
    if (score.is_random) continue;
    compute_scores(score, run.stats.layer(head.layer), head.layer, key, values);
    out[std::string(score.slug)] = rounded(double{values[static_cast<size_t>(head.head)]});
  }
  return out;
}

OrderedJson statistics_json(const HeadStats& stats) {
  OrderedJson out = OrderedJson::object();
  for (int i = 0; i < kStats; ++i) {
    const auto stat = static_cast<Stat>(i);
    out[std::string(stat_name(stat))] =
        stat == Stat::top_position ? OrderedJson(get(stats, stat)) : rounded(double{get(stats, stat)});
  }
  return out;
}

OrderedJson head_json(const AttentionRun& run, const AttentionPattern& pattern, RandomKey key) {
  const HeadId head = pattern.head();
  OrderedJson out = {
      {"name", to_string(head)},
      {"off", run.mask.off(head.layer, head.head)},
      {"distance", rounded(pattern.distance())},
      {"statistics", statistics_json(run.stats.layer(head.layer)[static_cast<size_t>(head.head)])},
      {"scores", scores_json(run, head, key)}};
  out.update(packed_pattern(pattern));
  return out;
}

OrderedJson run_json(const AttentionRun& run, RandomKey key) {
  OrderedJson heads = OrderedJson::array();
  for (const AttentionPattern& pattern : run.patterns) heads.push_back(head_json(run, pattern, key));
  return {{"rule", run.name},
          {"by_score", run.is_score_rule},
          {"off", run.mask.count()},
          {"heads", std::move(heads)}};
}

}  // namespace

std::string attention_page(const std::string& model, std::span<const AttentionPrompt> prompts) {
  OrderedJson data = {{"model", model},
                      {"all_heads", prompts.front().runs.front().mask.shape().count()},
                      {"whole_up_to", kWholePattern},
                      {"kept", kLargestOfRow},
                      {"statistics", meanings_of_statistics()},
                      {"prompts", OrderedJson::array()}};
  for (const AttentionPrompt& prompt : prompts) {
    OrderedJson runs = OrderedJson::array();
    for (const AttentionRun& run : prompt.runs) runs.push_back(run_json(run, prompt.key));
    data["prompts"].push_back({{"tokens", prompt.tokens}, {"runs", std::move(runs)}});
  }
  return html_page({.title = "Attention patterns",
                    .style = embedded_attention_style(),
                    .script = embedded_attention_script()},
                   data);
}

}  // namespace idleheads
