#include "report/numbers/head_profile.h"

#include <cmath>
#include <map>

#include "studyfile/store_check.h"

namespace idleheads {
namespace {

// The subject's number of each sample, in the order of head_values().
std::vector<int> groups_of(const StudySummary& summary, const std::vector<StoredResult>& baseline) {
  std::map<std::string, int> numbers;
  std::vector<int> groups;
  for (const StoredResult& result : baseline) {
    const std::string& name = summary.documents.at(static_cast<size_t>(result.document)).group;
    const int number = numbers.emplace(name, static_cast<int>(numbers.size())).first->second;
    groups.insert(groups.end(), result.stats.size(), number);
  }
  return groups;
}

ScoreProfile profile_of(const Score& score, const HeadValues& values, const std::vector<int>& groups) {
  ScoreProfile out;
  out.score = &score;
  std::vector<float> all;
  for (const std::vector<float>& head : values) {
    out.heads.push_back(head.empty() ? spread_of({}, {}) : spread_of(head, groups));
    out.quantiles.push_back(quantiles_of(head, kHeadQuantiles));
    all.insert(all.end(), head.begin(), head.end());
  }
  out.overall = quantiles_of(std::move(all), kOverallQuantiles);
  return out;
}

// Means over samples of the raw numbers: [layers x heads][kStats], and of the entropy of even weights.
struct RawMeans {
  std::vector<std::array<double, kStats>> heads;
  double even_entropy = 0;
};

RawMeans raw_means(const StudySummary& summary, const std::vector<StoredResult>& baseline) {
  RawMeans out;
  out.heads.resize(static_cast<size_t>(summary.layers) * static_cast<size_t>(summary.heads));
  int64_t samples = 0;
  for (const StoredResult& result : baseline) {
    const StoredDocument& document = summary.documents.at(static_cast<size_t>(result.document));
    for (const SampleStats& stats : result.stats) {
      for (size_t i = 0; i < stats.values.size(); ++i) {
        for (int k = 0; k < kStats; ++k)
          out.heads[i][static_cast<size_t>(k)] += stats.values[i][static_cast<size_t>(k)];
      }
      // A document's samples differ by an answer's few tokens.
      out.even_entropy += even_entropy(document.tokens / std::max<int64_t>(1, document.samples));
      ++samples;
    }
  }
  const double scale = samples > 0 ? 1 / static_cast<double>(samples) : NAN;
  for (auto& head : out.heads) {
    for (double& value : head) value *= scale;
  }
  out.even_entropy *= scale;
  return out;
}

size_t index_of(const StudySummary& summary, HeadId id) {
  return static_cast<size_t>(id.layer) * static_cast<size_t>(summary.heads) + static_cast<size_t>(id.head);
}

std::vector<HeadAttention> attention_of(const StudySummary& summary, const RawMeans& means) {
  std::vector<HeadAttention> out;
  for (const auto& head : means.heads) {
    const double first = head[static_cast<size_t>(Stat::first_weight)],
                 entropy = head[static_cast<size_t>(Stat::entropy)];
    out.push_back({first, entropy, mass_place(first, entropy, means.even_entropy)});
  }
  for (const HeadId id : summary.shape.absent()) out[index_of(summary, id)].is_there = false;
  return out;
}

std::vector<LayerProfile> layers_of(const StudySummary& summary, const RawMeans& means) {
  const CurveEntry* point = best_point(summary);
  std::vector<LayerProfile> out(static_cast<size_t>(summary.layers));
  for (int l = 0; l < summary.layers; ++l) {
    LayerProfile& layer = out[static_cast<size_t>(l)];
    const int64_t heads = summary.shape.count(l);
    if (heads == 0) {
      layer.off = NAN;
      layer.stats.fill(NAN);
    }
    const double scale = 1. / static_cast<double>(heads);
    for (int h = 0; h < summary.heads; ++h) {
      if (!summary.shape.has({l, h})) continue;
      const size_t i = index_of(summary, {l, h});
      for (size_t k = 0; k < kStats; ++k) layer.stats[k] += scale * means.heads[i][k];
      if (point) layer.off += scale * point->frequency.share({l, h});
    }
  }
  return out;
}

}  // namespace

std::optional<int> kv_heads_of(const StudySummary& summary) {
  const std::optional<int64_t> count = count_setting(summary.settings, "model.kv_heads");
  if (!count || summary.heads % *count != 0) return std::nullopt;
  return static_cast<int>(*count);
}

HeadFrequency group_frequency(const StudyStore& store, const CurveEntry& point, int kv_heads) {
  HeadFrequency groups;
  for (const StoredResult& result : store.results(point.intervention, false)) {
    for (size_t k = 0; k < result.masks.size(); ++k)
      groups.add(groups_off(result.masks[k], kv_heads), result.passes_of(k));
  }
  return groups;
}

std::optional<KvProfile> kv_profile(const StudyStore& store, const StudySummary& summary) {
  const CurveEntry* point = best_point(summary);
  const std::optional<int> kv_heads = kv_heads_of(summary);
  if (!point || !kv_heads) return std::nullopt;
  KvProfile out;
  out.kv_heads = *kv_heads;
  out.head_dim = count_setting(summary.settings, "info.head_dim");
  out.groups = group_frequency(store, *point, *kv_heads);
  out.always = name_heads(out.groups).always;
  return out;
}

HeadProfiles head_profiles(const StudyStore& store, const StudySummary& summary) {
  HeadProfiles out;
  const std::vector<StoredResult> baseline = store.results(0, true);
  const std::vector<int> groups = groups_of(summary, baseline);
  for (const Score* score : shown_scores(summary)) {
    out.scores.push_back(
        profile_of(*score, head_values(*score, summary.layers, summary.heads, baseline), groups));
  }
  out.stats = shown_stats(summary);
  const RawMeans means = raw_means(summary, baseline);
  out.attention = attention_of(summary, means);
  out.layers = layers_of(summary, means);
  out.kv = kv_profile(store, summary);
  return out;
}

}  // namespace idleheads
