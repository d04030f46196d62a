#include "idleheads/studyfile/plan.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <cmath>

#include "base/fail.h"
#include "base/hash.h"
#include "idleheads/heads/threshold.h"

namespace idleheads {
namespace {

// Calls use(part) for every part between commas; none for an empty text.
template <typename Use>
void for_parts(std::string_view text, const Use& use) {
  while (!text.empty()) {
    const size_t comma = std::min(text.find(','), text.size());
    use(text.substr(0, comma));
    text.remove_prefix(std::min(text.size(), comma + 1));
  }
}

template <typename Number>
Number number_of(std::string_view text, const char* what) {
  Number number = {};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size())
    fail("{} '{}': expected a number", what, printable(text));
  return number;
}

// Statistics of a sample lack all of a number or none of it.
void require_measured(const Score& score, const SampleStats& stats, int64_t document) {
  const auto head = std::ranges::find_if_not(stats.values, is_absent);
  if (head == stats.values.end() || !std::isnan(get(*head, score.numerator))) return;
  fail(
      "score {}: the study was begun by an older idleheads, which did not measure {} (document {}); start "
      "another with --output",
      score.slug, stat_name(score.numerator), document);
}

}  // namespace

Targets targets_of(std::string_view scores, std::string_view shares) {
  Targets targets;
  for_parts(scores, [&](std::string_view slug) {
    const Score* score = find_score(slug);
    if (score == nullptr)
      fail("study: its plan has a score that is not known: {}; a newer idleheads may have written it",
           printable(slug));
    targets.scores.push_back(score);
  });
  for_parts(shares,
            [&](std::string_view share) { targets.shares.push_back(number_of<double>(share, "a share")); });
  return targets;
}

std::string scores_text(const Targets& targets) {
  std::vector<std::string_view> slugs;
  for (const Score* score : targets.scores) slugs.push_back(score->slug);
  return fmt::format("{}", fmt::join(slugs, ","));
}

std::string shares_text(const Targets& targets) { return fmt::format("{}", fmt::join(targets.shares, ",")); }

std::vector<StoredIntervention> interventions_of(const Targets& targets) {
  std::vector<StoredIntervention> plan = {{"", 0, "none"}};
  for (const Score* score : targets.scores) {
    for (const double share : targets.shares) plan.push_back({std::string(score->slug), share, ""});
  }
  return plan;
}

bool is_plan_of(const std::vector<StoredIntervention>& plan, const Targets& targets) {
  const std::vector<StoredIntervention> wanted = interventions_of(targets);
  const auto begun = std::ranges::count(plan, 0, &StoredIntervention::generation);
  return std::ranges::equal(plan.begin(), plan.begin() + begun, wanted.begin(), wanted.end(),
                            [](const StoredIntervention& x, const StoredIntervention& y) {
                              return x.score == y.score && x.share == y.share;
                            });
}

uint64_t sample_id(const StoredDocument& document, size_t sample) {
  return hash64(fmt::format("{}/{}/{}", document.group, document.index, sample));
}

std::vector<float> calibrate(const Score& score, std::span<const StoredResult> baseline,
                             std::span<const StoredDocument> documents, uint64_t seed,
                             std::span<const double> shares) {
  std::vector<float> values;
  for (const StoredResult& result : baseline) {
    for (size_t s = 0; s < result.stats.size(); ++s) {
      const RandomKey key = {seed, sample_id(documents[static_cast<size_t>(result.document)], s)};
      const SampleStats& stats = result.stats[s];
      require_measured(score, stats, result.document);
      std::vector<float> scores(static_cast<size_t>(stats.heads));
      for (int l = 0; l < stats.layers; ++l) {
        compute_scores(score, stats.layer(l), l, key, scores);
        values.insert(values.end(), scores.begin(), scores.end());
      }
    }
  }
  return thresholds_for_shares(score, std::move(values), shares);
}

void make_plan(StudyStore& store, const Targets& targets, uint64_t seed) {
  std::vector<StoredIntervention> plan = interventions_of(targets);
  const std::vector<StoredDocument> documents = store.documents();
  const std::vector<StoredResult> baseline = store.results(0, true);
  size_t next = 1;
  for (const Score* score : targets.scores) {
    for (const float threshold : calibrate(*score, baseline, documents, seed, targets.shares))
      plan[next++].rule = to_string(Intervention(ScoreRule{score, threshold}));
  }
  store.set_plan(plan);
}

ScoreRule planned_rule(const StudyStore& store, const ShareRule& rule, std::string_view study) {
  const std::vector<StoredIntervention> plan = by_input(store.plan());
  if (plan.empty())
    fail("study {}: it has no thresholds yet: all heads on comes first", printable(study, 300));
  std::vector<double> shares;
  for (const StoredIntervention& planned : plan) {
    if (planned.score != rule.score->slug) continue;
    if (std::abs(planned.share - rule.share) < 1e-9)
      return std::get<ScoreRule>(parse_intervention(planned.rule));
    shares.push_back(100 * planned.share);
  }
  std::ranges::sort(shares);
  std::vector<std::string> known;
  for (const double share : shares) known.push_back(fmt::format("{:g}%", share));
  fail("study {}: it has no threshold for {}@{:g}%; its shares of {}: {}", printable(study, 300),
       rule.score->slug, 100 * rule.share, rule.score->slug,
       known.empty() ? "none" : fmt::format("{}", fmt::join(known, ", ")));
}

std::vector<StoredIntervention> by_input(std::vector<StoredIntervention> plan) {
  std::erase_if(plan, &StoredIntervention::is_static);
  return plan;
}

void grow_plan(StudyStore& store, std::span<const TriedShare> shares, uint64_t seed) {
  std::vector<StoredIntervention> plan = store.plan();
  if (!plan.empty() && plan.back().is_static())
    fail("the study tests static masks already, so that its shares are fixed; start another with --output");
  const int generation = plan.back().generation + 1;
  const std::vector<StoredDocument> documents = store.documents();
  const std::vector<StoredResult> baseline = store.results(0, true);
  for (const TriedShare& tried : shares) {
    const Score& score = require_score(tried.score);
    const double share[] = {tried.share};
    const float threshold = calibrate(score, baseline, documents, seed, share).front();
    plan.push_back(
        {tried.score, tried.share, to_string(Intervention(ScoreRule{&score, threshold})), generation});
  }
  store.set_plan(plan);
}

uint64_t seed_of(const Settings& settings) {
  const auto found = settings.find("seed");
  if (found == settings.end()) fail("study: the setting 'seed' is missing");
  return number_of<uint64_t>(found->second, "study: the setting 'seed'");
}

}  // namespace idleheads
