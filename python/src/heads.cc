// Scores, thresholds and rules over arrays of statistics: the heads layer for numpy.
#include <nanobind/stl/filesystem.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <cstring>

#include "base/fail.h"
#include "idleheads/heads/score.h"
#include "idleheads/heads/threshold.h"
#include "module.h"
#include "rule.h"

namespace idleheads {

const Score* Rule::score() const {
  if (const auto* share = std::get_if<ShareRule>(&what)) return share->score;
  const auto* by_score = std::get_if<ScoreRule>(&std::get<Intervention>(what));
  return by_score != nullptr ? by_score->score : nullptr;
}

const Intervention& Rule::intervention() const {
  if (const auto* share = std::get_if<ShareRule>(&what))
    fail_usage("{}@...: a share needs a calibration, give a threshold here", share->score->slug);
  return std::get<Intervention>(what);
}

namespace {

using Statistics = InputArray<float, 4>;  // [sample, layer, head, 10]

constexpr uint64_t kSeed = RandomKey{}.seed;

// An array [..., 10] of which no axis is empty.
template <typename Stats>
void require_statistics(const Stats& stats) {
  for (size_t axis = 0; axis < stats.ndim(); ++axis) {
    if (stats.shape(axis) == 0) fail("statistics: there are none, axis {} has length 0", axis);
  }
  const size_t last = stats.shape(stats.ndim() - 1);
  if (last != kStats)
    fail("statistics: the last axis has {} numbers, not the {} of docs/scores.md", last, kStats);
}

// One layer of one sample: [heads], at this place of an array [..., heads, 10].
std::vector<HeadStats> layer_at(const float* stats, size_t place, size_t heads) {
  std::vector<HeadStats> layer(heads);
  std::memcpy(layer.data(), stats + place * heads * kStats, heads * sizeof(HeadStats));
  return layer;
}

std::vector<float> scores_of(const Score& score, const Statistics& stats, uint64_t seed) {
  require_statistics(stats);
  const size_t samples = stats.shape(0), layers = stats.shape(1), heads = stats.shape(2);
  std::vector<float> scores(samples * layers * heads);
  for (size_t place = 0; place < samples * layers; ++place) {
    compute_scores(score, layer_at(stats.data(), place, heads), static_cast<int>(place % layers),
                   {seed, place / layers}, std::span(scores).subspan(place * heads, heads));
  }
  return scores;
}

Array<float, 3> scores(const Statistics& stats, const std::string& slug, uint64_t seed) {
  return to_array<float, 3>(scores_of(require_score(slug), stats, seed),
                            {stats.shape(0), stats.shape(1), stats.shape(2)});
}

std::vector<std::string> score_names() {
  std::vector<std::string> names;
  for (const Score& score : all_scores()) names.emplace_back(score.slug);
  return names;
}

std::vector<std::string> statistic_names() {
  std::vector<std::string> names;
  for (int stat = 0; stat < kStats; ++stat) names.emplace_back(stat_name(static_cast<Stat>(stat)));
  return names;
}

Rule rule_of_mask(const InputArray<bool, 2>& mask) {
  FixedHeads fixed;
  for (size_t layer = 0; layer < mask.shape(0); ++layer) {
    for (size_t head = 0; head < mask.shape(1); ++head) {
      if (mask(layer, head)) fixed.heads.push_back({static_cast<int>(layer), static_cast<int>(head)});
    }
  }
  return {Intervention(std::move(fixed))};
}

Rule rule_of_file(const std::filesystem::path& file) {
  MaskFile mask = read_mask_file(file);
  Intervention heads = mask.heads;
  return {std::move(heads), std::move(mask), shown_path(file)};
}

Rule calibrated(const Rule& rule, const Statistics& stats, uint64_t seed) {
  const auto* share = std::get_if<ShareRule>(&rule.what);
  if (share == nullptr) return rule;
  const std::vector<float> values = scores_of(*share->score, stats, seed);
  return {Intervention(ScoreRule{share->score, threshold_for_share(*share->score, values, share->share)})};
}

std::optional<double> threshold(const Rule& rule) {
  const auto* by_score = std::get_if<ScoreRule>(&rule.intervention());
  return by_score != nullptr ? std::optional<double>(by_score->threshold) : std::nullopt;
}

// The grid of these statistics without the heads that the model has not.
HeadShape shape_of(const Statistics& stats) {
  const size_t layers = stats.shape(1), heads = stats.shape(2);
  std::vector<HeadId> absent;
  for (size_t layer = 0; layer < layers; ++layer) {
    const std::vector<HeadStats> of_layer = layer_at(stats.data(), layer, heads);
    for (size_t head = 0; head < heads; ++head) {
      if (is_absent(of_layer[head])) absent.push_back({static_cast<int>(layer), static_cast<int>(head)});
    }
  }
  return HeadShape(static_cast<int>(layers), static_cast<int>(heads), absent);
}

void require_heads(const Rule& rule, const HeadShape& shape) {
  const auto* fixed = std::get_if<FixedHeads>(&rule.intervention());
  if (fixed == nullptr) return;
  for (const HeadId id : fixed->heads) {
    if (const std::string fault = shape.fault_of(id); !fault.empty()) fail_usage("{}", fault);
  }
}

Array<bool, 3> mask(const Rule& rule, const Statistics& stats, uint64_t seed) {
  require_statistics(stats);
  require_heads(rule, shape_of(stats));
  const size_t samples = stats.shape(0), layers = stats.shape(1), heads = stats.shape(2);
  std::vector<uint8_t> off(samples * layers * heads);
  for (size_t place = 0; place < samples * layers; ++place) {
    decide_mask(rule.intervention(), layer_at(stats.data(), place, heads), static_cast<int>(place % layers),
                {seed, place / layers}, std::span(off).subspan(place * heads, heads));
  }
  return to_array<bool, 3>(std::move(off), {samples, layers, heads});
}

void require_heads_of_layer(const Rule& rule, int layer, size_t heads) {
  const auto* fixed = std::get_if<FixedHeads>(&rule.intervention());
  if (fixed == nullptr) return;
  for (const HeadId id : fixed->heads) {
    if (id.layer == layer && static_cast<size_t>(id.head) >= heads)
      fail_usage("head {} does not exist: the layer has {} heads, from 0", to_string(id), heads);
  }
}

Array<bool, 2> layer_mask(const Rule& rule, const InputArray<float, 3>& stats, int layer,
                          uint64_t first_sample, uint64_t seed) {
  require_statistics(stats);
  const size_t samples = stats.shape(0), heads = stats.shape(1);
  require_heads_of_layer(rule, layer, heads);
  std::vector<uint8_t> off(samples * heads);
  for (size_t sample = 0; sample < samples; ++sample) {
    decide_mask(rule.intervention(), layer_at(stats.data(), sample, heads), layer,
                {seed, first_sample + sample}, std::span(off).subspan(sample * heads, heads));
  }
  return to_array<bool, 2>(std::move(off), {samples, heads});
}

std::optional<double> share_of(const Rule& rule) {
  const auto* share = std::get_if<ShareRule>(&rule.what);
  return share != nullptr ? std::optional<double>(share->share) : std::nullopt;
}

std::optional<std::string> score_of(const Rule& rule) {
  return rule.score() != nullptr ? std::optional<std::string>(rule.score()->slug) : std::nullopt;
}

std::optional<std::vector<std::pair<int, int>>> heads_of(const Rule& rule) {
  if (rule.score() != nullptr) return std::nullopt;
  std::vector<std::pair<int, int>> heads;
  if (const auto* fixed = std::get_if<FixedHeads>(&rule.intervention())) {
    for (const HeadId id : fixed->heads) heads.emplace_back(id.layer, id.head);
  }
  return heads;
}

}  // namespace

void bind_heads(nb::module_& module) {
  using nb::literals::operator""_a;
  module.def("score_names", score_names, "All scores of docs/scores.md by name.");
  module.def("statistic_names", statistic_names, "The last axis of an array of statistics.");
  module.def(
      "scores", scores, "stats"_a, "slug"_a, "seed"_a = kSeed,
      "stats float32 [sample, layer, head, 10] -> float32 [sample, layer, head]; NaN for 0/0 and for heads "
      "that the model has not.");
  nb::class_<Rule>(module, "Rule", "Heads to switch off: ahon_ln<0.52, ahon_ln@15%, L5H3,L7H0 or none.")
      .def(
          "__init__", [](Rule* self, const std::string& text) { new (self) Rule{parse_rule(text)}; },
          "text"_a)
      .def_static("of_mask", rule_of_mask, "mask"_a, "bool [layers, heads], True where a head is off.")
      .def_static("of_file", rule_of_file, "file"_a, "What `idleheads mask` writes.")
      .def("__str__", [](const Rule& rule) { return to_string(rule.intervention()); })
      .def_prop_ro("score", score_of, "The score's name; None for heads.")
      .def_prop_ro("heads", heads_of, "[(layer, head)]; None for a score.")
      .def_prop_ro(
          "is_share", [](const Rule& rule) { return std::holds_alternative<ShareRule>(rule.what); },
          "Whether it needs calibrated() before it can be used.")
      .def_prop_ro("share", share_of, "The share of heads, in [0, 1]; None for other rules.")
      .def_prop_ro(
          "has_means", [](const Rule& rule) { return rule.mask && !rule.mask->means.empty(); },
          "Whether the heads give means instead of zeros.")
      .def_prop_ro("threshold", threshold, "None for heads.")
      .def("calibrated", calibrated, "stats"_a, "seed"_a = kSeed,
           "A share with the threshold it has over stats [sample, layer, head, 10]; other rules as they are.")
      .def("mask", mask, "stats"_a, "seed"_a = kSeed,
           "bool [sample, layer, head] of stats [sample, layer, head, 10].")
      .def("layer_mask", layer_mask, "stats"_a, "layer"_a, "first_sample"_a = 0, "seed"_a = kSeed,
           "bool [sample, head] of one layer's stats [sample, head, 10].");
}

}  // namespace idleheads
