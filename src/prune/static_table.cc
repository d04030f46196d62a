#include "prune/static_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "analysis/kv_groups.h"
#include "base/fail.h"
#include "idleheads/version.h"
#include "report/numbers/head_profile.h"
#include "report/terminal/show_text.h"
#include "report/terminal/table.h"

namespace idleheads {
namespace {

std::string setting(const StudySummary& s, const char* name) {
  const auto found = s.settings.find(name);
  return found == s.settings.end() ? "" : found->second;
}

std::string percent(int64_t part, int64_t whole) {
  return fmt::format("{:.1f} %", 100 * static_cast<double>(part) / static_cast<double>(whole));
}

std::vector<std::string> cells_of(const StudySummary& s, const CurveEntry& point) {
  const int kv_heads = require_kv_heads(s);
  const auto heads = [&](double at_least) {
    return std::ssize(static_heads(point.frequency, at_least).heads);
  };
  const FixedHeads groups = static_heads(point.frequency, 1, kv_heads);
  const int64_t all = s.head_count(), members = s.heads / kv_heads;
  return {share_name(point.score->slug, point.share),
          fmt::format("{:.1f} %", point.percent_off),
          percent(heads(0.5), all),
          percent(heads(0.9), all),
          percent(heads(1), all),
          percent(std::ssize(groups.heads), all),
          fmt::format("{} of {}", std::ssize(groups.heads) / members, all / members)};
}

}  // namespace

int require_kv_heads(const StudySummary& s) {
  if (const std::optional<int> kv_heads = kv_heads_of(s)) return *kv_heads;
  fail("the study does not say how many key and value heads the model has");
}

MaskFile mask_of(const StudySummary& s, FixedHeads heads) {
  MaskFile file;
  file.heads = std::move(heads);
  file.model = {.name = s.model,
                .fingerprint = setting(s, "model.fingerprint"),
                .layers = s.layers,
                .heads = s.heads,
                .kv_heads = require_kv_heads(s)};
  file.provenance["version"] = build_description();
  return file;
}

MaskFile static_mask(const StudySummary& s, const CurveEntry& point, const StaticOptions& options) {
  MaskFile file =
      mask_of(s, static_heads(point.frequency, options.at_least,
                              options.groups ? std::optional(require_kv_heads(s)) : std::nullopt));
  file.provenance["study"] = {{"task", s.task},
                              {"rule", share_name(point.score->slug, point.share)},
                              {"threshold", point.rule},
                              {"at_least_percent", 100 * options.at_least},
                              {"whole_groups", options.groups}};
  return file;
}

std::string static_table(const StudySummary& s, const ShowOptions& show) {
  std::vector<const CurveEntry*> points;
  for (const ScoreSummary& score : s.scores) {
    const CurveEntry* point = chosen_point(score);
    if (point != nullptr && point->share > 0 && !score.score->is_random) points.push_back(point);
  }
  if (points.empty())
    return wrap(fmt::format("No tested share keeps within {}.", tolerance_text(s)), show.width);
  std::ranges::stable_sort(points, std::greater(), &CurveEntry::percent_off);
  Table table({{"rule", Align::left},
               {"per input"},
               {"half"},
               {"90 %"},
               {"always"},
               {"whole groups"},
               {"KV groups"}});
  for (const CurveEntry* point : points) table.add_row(cells_of(s, *point));
  return table.within(show.width, show.colored(), 2) + "\n" +
         wrap(fmt::format(
                  "per input: heads that are off at a time, on average; half, 90 %, always: heads that are "
                  "off "
                  "in so many of the {}s; whole groups: heads of KV groups of which every head always is, "
                  "which the cache can go without. Each score at its largest tested share within {}.",
                  passes_noun(s, 2).substr(0, passes_noun(s, 2).size() - 1), tolerance_text(s)),
              show.width);
}

std::string price_text(const MaskPrice& price, const ModelSizes& sizes, int64_t context) {
  const double all_kv = kv_bytes(static_cast<double>(sizes.layers) * sizes.kv_heads, sizes.head_dim);
  return fmt::format(
      "A model without these {} heads ({} whole KV groups) would have {:.2f} % fewer parameters, {:.1f} % "
      "less KV "
      "cache ({:.0f} of {:.0f} bytes a token) and {:.1f} % fewer operations a token at {} tokens.",
      price.heads, price.groups,
      100 * static_cast<double>(price.parameters) / static_cast<double>(sizes.parameters),
      100 * price.kv_bytes / all_kv, price.kv_bytes, all_kv, 100 * price.flops, context);
}

}  // namespace idleheads
