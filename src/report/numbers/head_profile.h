// What a study tells of single heads, layers and KV groups.
#pragma once

#include <optional>
#include <vector>

#include "analysis/attention_mass.h"
#include "analysis/kv_groups.h"
#include "analysis/spread.h"
#include "idleheads/analysis/frequency.h"
#include "idleheads/report/summary.h"

namespace idleheads {

// One score of all heads over the samples of the baseline.
struct ScoreProfile {
  const Score* score = nullptr;
  std::vector<Spread> heads;                  // [layers x heads]; groups are the subjects
  std::vector<std::vector<float>> quantiles;  // [layers x heads][kHeadQuantiles]; empty without numbers
  std::vector<float> overall;                 // [kOverallQuantiles] over all heads and samples
};
inline constexpr int kHeadQuantiles = 11;
inline constexpr int kOverallQuantiles = 101;

// The attention of one head.
struct HeadAttention {
  double first_weight = 0;  // mean over samples of the mean weight on the first token
  double entropy = 0;       // mean over samples, nats
  MassPlace place = MassPlace::many_tokens;
  bool is_there = true;  // else the head is absent, and the numbers are NaN
};

// Key and value heads whose query heads are all off.
struct KvProfile {
  int kv_heads = 0;
  std::optional<int64_t> head_dim;  // none in studies that do not tell it
  HeadFrequency groups;             // [layers, kv_heads], over forward passes
  std::vector<HeadId> always;       // groups that were off in every forward pass
  double all_groups() const { return static_cast<double>(groups.shape.count()); }
  double mean_groups() const { return groups.mean_share() * all_groups(); }
  // Of that many groups, for each token, at 2 bytes a number; there must be a head_dim.
  double cache_bytes(double count) const { return kv_bytes(count, static_cast<int>(head_dim.value())); }
};

// Means over the heads that a layer has; NaN without any.
struct LayerProfile {
  double off = 0;                         // share of forward passes and heads that were off, in [0, 1]
  std::array<double, kStats> stats = {};  // of the raw numbers, over samples too
};

struct HeadProfiles {
  std::vector<ScoreProfile> scores;      // shown_scores()
  std::vector<Stat> stats;               // shown_stats()
  std::vector<HeadAttention> attention;  // [layers x heads]
  std::vector<LayerProfile> layers;
  std::optional<KvProfile> kv;  // under best_point(); none without it
};

// None if the study does not say it.
std::optional<int> kv_heads_of(const StudySummary& summary);

// How often all query heads of each KV head were off under an intervention: [layers, kv_heads].
HeadFrequency group_frequency(const StudyStore& store, const CurveEntry& point, int kv_heads);

// The KV groups under best_point(); none without one, or without the number of KV heads that the layers'
// groups are of.
std::optional<KvProfile> kv_profile(const StudyStore& store, const StudySummary& summary);

// Reads the baseline's statistics and the masks of best_point().
HeadProfiles head_profiles(const StudyStore& store, const StudySummary& summary);

}  // namespace idleheads
